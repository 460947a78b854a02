"""Observers: components that read the journal and the REST exchanges, and change nothing. They model the UI."""
