"""Import qasync with PySide6 as its Qt binding, and provide its event loop as ``StockLoop``."""

import os

os.environ["QT_API"] = "pyside6"  # otherwise qasync prefers PyQt5 if it is installed

import qasync

StockLoop = qasync.QEventLoop
"""qasync's event loop for this system."""
