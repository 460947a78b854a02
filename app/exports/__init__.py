"""Converters between sessions and the formats of other tools: HAR and plain JSON lines."""
