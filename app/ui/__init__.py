"""The user interface in Qt: the main window with its pages (*rooms*), other windows, dialogs, and the tray icon."""
