"""The real program as real processes: sockets, terminals, a browser, a desktop."""
