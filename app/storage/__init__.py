"""One SQLite connection on one thread: what is committed stays."""
