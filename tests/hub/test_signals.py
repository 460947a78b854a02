"""Signals: order of the listeners, disconnecting, and listeners that fail."""

from app.hub.signals import Signal


def test_listeners_hear_in_the_order_in_which_they_connected() -> None:
    signal: Signal[str] = Signal()
    heard: list[str] = []
    signal.connect(lambda value: heard.append(f"first {value}"))
    signal.connect(lambda value: heard.append(f"second {value}"))
    signal.emit("x")
    assert heard == ["first x", "second x"]


def test_who_disconnected_hears_nothing_more_and_may_disconnect_twice() -> None:
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


def test_a_listener_may_disconnect_while_it_hears() -> None:
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


def test_who_connects_while_a_value_is_told_hears_the_next_one() -> None:
    signal: Signal[str] = Signal()
    late: list[str] = []
    signal.connect(lambda value: signal.connect(late.append) if not late and value == "a" else None)
    signal.emit("a")
    assert late == []
    signal.emit("b")
    assert late == ["b"]
