"""The lines that ``companion state personas`` prints."""

from app.cli.chats import _line

PERSONA = {"username": "bob", "online": True, "is_friend": True, "auto_reply": False, "stay_online": False}


def test_the_line_of_a_persona_shows_that_the_ui_is_typing() -> None:
    assert _line({**PERSONA, "ui_typing": True}).split(None, 1) == ["bob", "online, your UI is typing"]
    assert _line({**PERSONA, "ui_typing": False}).split() == ["bob", "online"]


def test_a_persona_of_an_older_companion_has_no_ui_typing() -> None:
    assert _line(PERSONA).split() == ["bob", "online"]
