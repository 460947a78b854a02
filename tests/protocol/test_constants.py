"""The guide's constants and the reconnect delays."""

from app.protocol import constants
from app.protocol.constants import reconnect_delay_ms

GUIDE_TABLE_MS = [3_000, 4_500, 6_750, 10_125, 15_188, 22_781, 34_172, 51_258, 76_887, 115_330]


def test_the_constants_are_those_of_appendix_b() -> None:
    assert constants.WS_URL == "ws://127.0.0.1:8081/events"
    assert constants.WS_RECONNECT_DELAY_MS == 3_000
    assert constants.WS_MAX_RECONNECT_ATTEMPTS == 10
    assert constants.TYPING_DEBOUNCE_MS == 1_000
    assert constants.TYPING_TIMEOUT_MS == 5_000


def test_the_server_header_is_that_of_the_guide() -> None:
    assert constants.SERVER_HEADER == "p2p-chat-ws/0.1"


def test_the_reconnect_delays_are_those_of_the_guide() -> None:
    attempts = range(1, constants.WS_MAX_RECONNECT_ATTEMPTS + 1)
    assert [reconnect_delay_ms(attempt) for attempt in attempts] == GUIDE_TABLE_MS


def test_a_program_that_retries_for_ever_causes_no_overflow() -> None:
    assert reconnect_delay_ms(1_000_000) == reconnect_delay_ms(constants.MAX_GROWTH)
