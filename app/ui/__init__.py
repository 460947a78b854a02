"""The user interface in Qt: the main window with its rooms, dialogs, and the tray icon."""
