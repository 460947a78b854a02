"""The core of the companion: send events to clients, handle their frames, and log both. No Qt, no sockets."""
