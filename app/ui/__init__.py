"""The window and the tray: thin Qt rooms over the companion."""
