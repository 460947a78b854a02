"""The protocol between the chat UI and the companion, as pure functions and data without I/O.

It has the events and their checks, fixtures and templates, and a model of the state that the UI must have.
"""
