"""The chat backend: the stored chat state, its rules, and the handlers of client events."""
