"""Find the name of the manual page about a widget: a property of it or of its nearest ancestor that has one.
F1 opens this page for the widget with the keyboard focus. If there is none, F1 opens the page about the room.
"""

from PySide6.QtWidgets import QWidget

TOPIC = "helpTopic"
"""A property of a widget: the name of the manual's page about it."""


def topic_of(widget: QWidget | None) -> str:
    """Return the topic of a widget or of its nearest ancestor that has one; empty if there is none."""
    while widget is not None:
        if topic := widget.property(TOPIC):
            return str(topic)
        widget = widget.parentWidget()
    return ""
