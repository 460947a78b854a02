"""Signals: order of the listeners, disconnecting, and listeners that fail."""

from app.hub.signals import Signal


def test_listeners_are_called_in_connection_order() -> None:
    signal: Signal[str] = Signal()
    received: list[str] = []
    signal.connect(lambda value: received.append(f"first {value}"))
    signal.connect(lambda value: received.append(f"second {value}"))
    signal.emit("x")
    assert received == ["first x", "second x"]


def test_a_disconnected_listener_is_not_called_and_may_disconnect_twice() -> None:
    signal: Signal[str] = Signal()
    received: list[str] = []
    disconnect = signal.connect(received.append)
    disconnect()
    disconnect()
    signal.emit("x")
    assert received == []


def test_a_listener_that_fails_is_logged_and_the_others_are_called(expected_warnings: list[str]) -> None:
    expected_warnings.append("a listener failed")
    signal: Signal[int] = Signal()
    received: list[int] = []
    signal.connect(lambda value: 1 // value)
    signal.connect(received.append)
    signal.emit(0)
    assert received == [0]


def test_a_listener_may_disconnect_itself_during_emit() -> None:
    signal: Signal[str] = Signal()
    received: list[str] = []

    def once(value: str) -> None:
        received.append(value)
        disconnect()

    disconnect = signal.connect(once)
    signal.connect(received.append)
    signal.emit("a")
    signal.emit("b")
    assert received == ["a", "a", "b"]


def test_a_listener_connected_during_emit_receives_only_later_values() -> None:
    signal: Signal[str] = Signal()
    received: list[str] = []
    signal.connect(lambda value: signal.connect(received.append) if not received and value == "a" else None)
    signal.emit("a")
    assert received == []
    signal.emit("b")
    assert received == ["b"]
