"""The companion and a model of it agree on random sequences of steps (``tests/test_model.py``)."""

from tests.gates.gate import Outcome
from tests.test_model import Model, run_model

EXAMPLES, EXAMPLES_LONG = 40, 400
STEPS, STEPS_LONG = 30, 50


def run(long: bool) -> Outcome:
    Model.steps = 0
    examples, steps = (EXAMPLES_LONG, STEPS_LONG) if long else (EXAMPLES, STEPS)
    run_model(examples, steps)
    return Outcome(
        f"{Model.steps:,} steps without a difference", f"none in {examples} runs", Model.steps > examples
    )
