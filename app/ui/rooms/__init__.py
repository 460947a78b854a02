"""One module per room of the window."""
