"""The steps as the tool calls them: what they return is checked, and errors name who made them."""

import io

import numpy as np
import pytest

from kata.train.checked_steps import CheckedSteps, StepCallError


@pytest.fixture(scope="module")
def steps():
    return CheckedSteps("solutions", io.StringIO())


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (np.zeros((2, 4)), r"finite numbers of shape \(2, 3\), not one of shape \(2, 4\)"),
        (np.full((2, 3), np.nan), "with nan or inf in it"),
        ([[1]], "must return a NumPy array, not list"),
    ],
    ids=["shape", "nan", "list"],
)
def test_an_array_of_another_kind_is_refused(steps, monkeypatch, returned, words):
    """The sentence names the step."""
    monkeypatch.setattr(steps.modules[9], "compare_modes", lambda: returned)
    with pytest.raises(StepCallError, match=r"compare_modes \(step 9\) must return") as error:
        steps.array(9, "compare_modes", (2, 3))
    assert error.match(words)


def test_the_step_that_failed_first_is_blamed(steps):
    """If one step calls another, the sentence stays that of the other; what the caller raises
    goes through.
    """
    with (
        pytest.raises(StepCallError, match=r"ConditionalDiT.* \(step 5\)"),
        steps.blame(6, "train"),
    ):
        steps.call(5, "ConditionalDiT", nonsense=1)
    with pytest.raises(KeyError), steps.blame(6, "train", let_through=(KeyError,)):
        raise KeyError("mine")
