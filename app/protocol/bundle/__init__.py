"""Bug report bundles: what replaces names and texts in them, and the ZIP archive. No files and no sockets."""
