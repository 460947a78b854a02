"""Storage on the disk: the chat state in SQLite, fixtures as JSON files, and exports of the log."""
