"""The core of the companion: send events to clients, handle their frames, log everything. No Qt, no sockets."""
