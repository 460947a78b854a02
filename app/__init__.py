"""P2P Chat Companion: a fake backend and event injector for developers of an event-driven chat UI."""

__version__ = "0.1.0"
