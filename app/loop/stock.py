"""Import qasync so that it uses PySide6."""

import os

os.environ["QT_API"] = "pyside6"  # otherwise qasync takes the first Qt that it finds, PyQt5 before PySide6

import qasync

StockLoop = qasync.QEventLoop
"""qasync's event loop for this system."""
