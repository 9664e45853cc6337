"""The parts of the step tests: assertions fail when they should and say why."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from kata.testing.assertions import check_close, check_count, check_raises, check_that, unchanged
from kata.testing.bounds import binomial_bounds, fresh_seed
from kata.testing.models import PointMass, redraw_zeros

WORDS = {"called": "f(1)", "must": "the answer is right", "hint": "read the formula"}


def refused(actual, expected, **options):
    """Return the message of a comparison that fails."""
    with pytest.raises(AssertionError) as caught:
        check_close(actual, expected, **WORDS, **options)
    return str(caught.value)


def test_the_failure_message_has_four_parts():
    """What was called, what came back, what was expected, what to try."""
    text = refused(torch.tensor([1.0, 5.0]), torch.tensor([1.0, 2.0]))
    assert text == (
        "Called f(1).\nAt [1] it returned 5; expected 2.\n"
        "Expected: the answer is right.\nTry: read the formula."
    )


def test_a_hint_may_be_a_question():
    """It keeps its mark and gets no full stop."""
    with pytest.raises(AssertionError, match=r"Try: is it right\?$"):
        check_that(False, called="f", got="returned 1", must="it is 2", hint="is it right?")


@pytest.mark.parametrize(
    ("actual", "words"),
    [
        (None, "returned None (is a `return` missing?); expected a tensor of shape (2,)"),
        (torch.ones(3), "a tensor of shape (3,); expected shape (2,)"),
        (torch.ones(2, dtype=torch.float64), "a tensor of torch.float64; expected torch.float32"),
        (torch.tensor([1.0, math.nan]), "At [1] it returned nan; expected 1"),
        (torch.tensor([1.0, math.inf]), "At [1] it returned inf; expected 1"),
        (np.ones(2), "ndarray"),
        ("text", "str 'text'"),
    ],
)
def test_what_is_not_the_expected_tensor_is_refused(actual, words):
    """Type, shape, dtype and values are compared, NaN included."""
    assert words in refused(actual, torch.ones(2))


def test_numbers_and_arrays_are_compared_too():
    """A number may be a float, a NumPy scalar or a 0-dim tensor; an array is a NumPy array."""
    for number in (0.5, np.float64(0.5), np.float32(0.5), torch.tensor(0.5)):
        check_close(number, 0.5, **WORDS)
    assert "list" in refused([0.5], 0.5)
    assert "bool" in refused(True, 1.0)
    check_close(np.array([1.0, 2.0]), np.array([1.0, 2.0]), **WORDS)
    assert "shape (1, 2)" in refused(np.array([[1.0, 2.0]]), np.array([1.0, 2.0]))
    assert "Tensor" in refused(torch.ones(2), np.ones(2)) or "tensor" in refused(
        torch.ones(2), np.ones(2)
    )


def test_not_implemented_is_let_through():
    """A stub never passes as a refusal, although NotImplementedError is a RuntimeError."""

    def stub():
        raise NotImplementedError("step 1: f")

    with pytest.raises(NotImplementedError):
        check_raises(RuntimeError, stub, **WORDS)


def test_the_wrong_error_and_no_error_are_refused():
    """Both in words."""
    with pytest.raises(AssertionError, match="raised KeyError: 'x'; expected ValueError"):
        check_raises(ValueError, lambda: {}["x"], **WORDS)
    with pytest.raises(
        AssertionError, match="returned int 1 and raised nothing; expected ValueError"
    ):
        check_raises(ValueError, lambda: 1, **WORDS)


def test_a_changed_input_is_noticed():
    """Any change in place fails and names the argument."""
    x = torch.tensor([1, 2])
    with pytest.raises(AssertionError, match="changed its argument y"), unchanged("f(y)", y=x):
        x[0] = 5


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "None of 20,000 labels came back null; expected 1,746 to 2,264."),
        (20_000, "All 20,000 labels came back null; expected 1,746 to 2,264."),
        (1_000, "1,000 of 20,000 labels came back null; expected 1,746 to 2,264."),
    ],
)
def test_an_unlikely_count_is_refused_in_a_sentence(count, words):
    """It says how many there were and how many chance gives."""
    with pytest.raises(AssertionError) as caught:
        check_count(count, 20_000, 0.1, what="labels came back null", **WORDS)
    assert words in str(caught.value).splitlines()
    check_count(2_000, 20_000, 0.1, what="labels came back null", **WORDS)


def test_a_long_sentence_is_wrapped_and_its_lines_are_indented():
    """So a reader, and `kata check`, see where each sentence begins."""
    with pytest.raises(AssertionError) as caught:
        check_that(False, called="f", got="returned 1", must="a word " * 30)
    lines = str(caught.value).splitlines()
    assert max(map(len, lines)) <= 84
    assert [line[:9] for line in lines[:3]] == ["Called f.", "It return", "Expected:"]
    assert all(line.startswith("  a") or line.startswith("  word") for line in lines[3:])


@pytest.mark.parametrize(
    ("trials", "probability"), [(10, 0.5), (400, 0.125), (1000, 0.5), (200, 0.0625)]
)
def test_binomial_bounds_spend_no_more_than_they_may(trials, probability):
    """By an exact sum over all counts outside; one count narrower would spend more on that side."""
    low, high = binomial_bounds(trials, probability)

    p = Fraction(probability)

    def mass(counts):
        return float(sum(math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in counts))

    assert mass(range(low)) <= 5e-10
    assert mass(range(high + 1, trials + 1)) <= 5e-10
    assert mass(range(low + 1)) > 5e-10 or low == 0
    assert mass(range(high, trials + 1)) > 5e-10 or high == trials


def test_certain_events_have_one_count():
    """p = 0 and p = 1 leave no room."""
    assert binomial_bounds(7, 0.0) == (0, 0)
    assert binomial_bounds(7, 1.0) == (7, 7)


def test_a_fresh_seed_is_fresh_and_printed(capsys):
    """It differs from call to call and can be read off the failure report."""
    seeds = [fresh_seed() for _ in range(3)]
    assert len(set(seeds)) == 3
    assert capsys.readouterr().out.split()[1] == str(seeds[0])


def test_the_point_mass_is_where_the_path_ends():
    """x - t v(x, t, y) is mu[y] from anywhere, None being the null class."""
    mu = torch.randn(4, 1, 2, 3, dtype=torch.float64)
    model = PointMass(mu)
    x, t = (
        torch.randn(2, 1, 2, 3, dtype=torch.float64),
        torch.tensor([0.3, 1.0], dtype=torch.float64),
    )
    landed = x - t.view(-1, 1, 1, 1) * model(x, t)
    assert torch.allclose(landed, mu[[3, 3]])
    assert model.evaluated == 2


def test_zeros_are_redrawn_and_nothing_else():
    """Only parameters that are zero throughout."""
    layer = torch.nn.Linear(3, 2)
    torch.nn.init.zeros_(layer.bias)
    weight = layer.weight.clone()
    redraw_zeros(layer)
    assert layer.bias.any()
    assert torch.equal(layer.weight, weight)
