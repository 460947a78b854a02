"""Signals: order of the listeners, disconnecting, and listeners that fail."""

from app.hub.signals import Signal


def test_listeners_are_called_in_connection_order() -> None:
    signal: Signal[str] = Signal()
    heard: list[str] = []
    signal.connect(lambda value: heard.append(f"first {value}"))
    signal.connect(lambda value: heard.append(f"second {value}"))
    signal.emit("x")
    assert heard == ["first x", "second x"]


def test_a_disconnected_listener_is_not_called_and_may_disconnect_twice() -> None:
    signal: Signal[str] = Signal()
    heard: list[str] = []
    disconnect = signal.connect(heard.append)
    disconnect()
    disconnect()
    signal.emit("x")
    assert heard == []


def test_a_listener_that_fails_is_logged_and_the_others_still_hear(expected_warnings: list[str]) -> None:
    expected_warnings.append("a listener failed")
    signal: Signal[int] = Signal()
    heard: list[int] = []
    signal.connect(lambda value: 1 // value)
    signal.connect(heard.append)
    signal.emit(0)
    assert heard == [0]


def test_a_listener_may_disconnect_itself_during_emit() -> None:
    signal: Signal[str] = Signal()
    heard: list[str] = []

    def once(value: str) -> None:
        heard.append(value)
        disconnect()

    disconnect = signal.connect(once)
    signal.connect(heard.append)
    signal.emit("a")
    signal.emit("b")
    assert heard == ["a", "a", "b"]


def test_a_listener_connected_during_emit_receives_only_later_values() -> None:
    signal: Signal[str] = Signal()
    late: list[str] = []
    signal.connect(lambda value: signal.connect(late.append) if not late and value == "a" else None)
    signal.emit("a")
    assert late == []
    signal.emit("b")
    assert late == ["b"]
