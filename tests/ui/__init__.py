"""The window, the tray and the composition root, driven by mouse and keyboard."""
