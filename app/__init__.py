"""P2P Chat Companion: the event layer that an event-driven chat UI is developed against."""

__version__ = "0.1.0"
