from app.sources.auto_reply import ANSWERS, AutoReply
from tests.hub.doubles import FakeTime


class Persona:
    """Notes what it was made to do, and when."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.done: list[tuple[float, bool | str]] = []

    async def do(self, what: bool | str) -> None:
        self.done.append((round(self.time.passed, 6), what))

    async def answers(self, seed: int, times: int = 1) -> list[tuple[float, bool | str]]:
        source = AutoReply(seed, self.time.sleep)
        for _ in range(times):
            await source.answer(self.do, self.do)
        return self.done


async def test_it_waits_types_for_a_while_stops_and_says_something() -> None:
    (began, typing), (stopped, still), (said, text) = await Persona().answers(1)
    assert (typing, still) == (True, False)
    assert text in ANSWERS
    assert 0 < began < stopped == said


async def test_the_same_seed_gives_the_same_answers_at_the_same_moments() -> None:
    assert await Persona().answers(7, times=20) == await Persona().answers(7, times=20)


async def test_another_seed_gives_others() -> None:
    assert await Persona().answers(7, times=20) != await Persona().answers(8, times=20)


async def test_it_does_not_always_say_the_same() -> None:
    said = {what for _, what in await Persona().answers(1, times=20) if isinstance(what, str)}
    assert len(said) > 3
