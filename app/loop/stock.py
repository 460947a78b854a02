"""Import qasync so that it uses PySide6."""

import os

os.environ["QT_API"] = "pyside6"  # otherwise qasync prefers PyQt5 if it is installed

import qasync

StockLoop = qasync.QEventLoop
"""qasync's event loop for this system."""
