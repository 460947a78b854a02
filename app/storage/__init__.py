"""Storage on the disk: the chat state and peers in SQLite; fixtures, sessions, recordings and profiles as files."""
