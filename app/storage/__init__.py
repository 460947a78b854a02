"""Storage: the chat state in SQLite, and fixtures as JSON files."""
