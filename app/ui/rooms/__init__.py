"""The pages of the main window, which are called rooms: one module per room."""
