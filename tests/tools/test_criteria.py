"""Tests of the criteria: probes answer whatever happens, verdicts see tensors alone, the
diagnosis names what fits.
"""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from kata.course.files import find_root
from kata.course.steps import step_by_number
from kata.course.variants import Mistake
from kata.criteria.diagnosis import diagnose
from kata.criteria.questions import Answer, answer, ask, asks, gradients, plain, refusal, tried
from kata.criteria.rules import BAD_LABELS, SAME, close, counted, refused
from kata.criteria.verdicts import alike, verdicts_on, words_of
from kata.testing.bounds import fresh_seed

ROOT = find_root()
GUIDANCE = step_by_number(3)
SEED = 1


def raising(error):
    """A function that raises it, whatever it is called with."""

    def function(*arguments):
        raise error

    return function


def scaled(factor):
    """A `guide` that multiplies the scale by a factor."""

    def guide(v_uncond, v_cond, scale):
        if isinstance(scale, torch.Tensor):
            if scale.ndim > 0 and scale.shape != v_cond.shape[:1]:
                raise ValueError("scale")
            scale = scale.to(v_cond).view(-1, 1, 1, 1)
        return v_uncond + factor * scale * (v_cond - v_uncond)

    return guide


def guided(labels=lambda y, null: null):
    """A `guided_velocity` of its own, whose unconditional labels are those."""

    def guided_velocity(model, x, t, y, scale, null_class):
        null = labels(y, torch.full_like(y, null_class))
        if not isinstance(scale, torch.Tensor) and scale in (0, 1):
            return model(x, t, y if scale == 1 else null)
        return scaled(1)(model(x, t, null), model(x, t, y), scale)

    return guided_velocity


def asked(guide=None, guided_velocity=None):
    """What a step 3 of these two functions answers."""
    functions = SimpleNamespace(
        guide=guide or scaled(1), guided_velocity=guided_velocity or guided()
    )
    return ask(functions, GUIDANCE, SEED)


def mistake(name, seen_in="our own thinking"):
    return Mistake(GUIDANCE, Path(f"{name}.py"), name, seen_in, ("test_x",), "")


@pytest.fixture(scope="module")
def reference():
    """What a right step 3 answers."""
    return asked()


@pytest.fixture(scope="module")
def known():
    """Three known mistakes: two that answer alike, and one in the other function."""
    doubled = asked(scaled(2))
    return {
        mistake("rare"): doubled,
        mistake("common", "a/b#1, c/d#2"): doubled,
        mistake("labels"): asked(guided_velocity=guided(lambda y, null: y)),
    }


def test_answers_come_from_the_seed():
    """The same seed asks the same, another one something else, and each probe draws for itself."""
    first, again = asked(), asked()
    assert all(SAME(first[name].values, again[name].values) for name in first)
    other = ask(SimpleNamespace(guide=scaled(1), guided_velocity=guided()), GUIDANCE, SEED + 1)
    name = "scale_one_is_conditional"
    assert not SAME(first[name].values, other[name].values)
    assert not SAME(first[name].values, first["scale_zero_is_unconditional"].values)


@pytest.mark.parametrize(
    "error", [ValueError("why"), SystemExit("why"), NotImplementedError("why")]
)
def test_an_error_is_an_answer(error):
    """Whatever a step raises becomes a class name and a message."""
    probe = asks("guide")(lambda step, g: {"v": step.guide()})
    found = answer(probe, SimpleNamespace(guide=raising(error)), SEED)
    assert (found.values, found.error, found.message) == ({}, type(error).__name__, "why")


def test_ctrl_c_is_no_answer():
    """KeyboardInterrupt ends the asking."""
    with pytest.raises(KeyboardInterrupt):
        asked(raising(KeyboardInterrupt()))


def test_plain_values_are_copies_of_tensors_arrays_and_numbers():
    """Anything else is a TypeError, subclasses of Tensor too, which could bring code of their
    own.
    """
    x = torch.ones(2)
    copy = plain(x)
    x += 1
    assert copy.tolist() == [1, 1]
    assert plain(np.ones((1, 2))).dtype == torch.float64
    assert plain(True).dtype == torch.bool
    with pytest.raises(TypeError, match="expected a tensor, got Odd"):
        plain(torch.ones(2).as_subclass(type("Odd", (torch.Tensor,), {})))


@pytest.mark.parametrize(
    ("error", "number"),
    [(ValueError, 1), (IndexError, 2), (TypeError, 3), (RuntimeError, 4), (AssertionError, 5)],
)
def test_refusals_are_numbered(error, number):
    """A refused call is the number of its error, one that returns is 0 or what it gives."""
    assert refusal(raising(error())) == tried(raising(error())) == number
    assert (refusal(lambda: "x"), tried(lambda: "x")) == (0, "x")
    with pytest.raises(NotImplementedError):
        tried(raising(NotImplementedError()))


def test_gradients_are_zero_where_none_arrives():
    """An input that is not used, or a result that is detached, is no error."""
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    found = gradients(3 * a, torch.tensor([1.0, 2.0]), a=a, b=b)
    assert (found["a"].tolist(), found["b"].tolist()) == ([3, 6], [0, 0])
    assert gradients((3 * a).detach(), torch.ones(2), a=a)["a"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (torch.tensor([1000.0, 0.0]), torch.tensor([1000.005, 0.005]), True),
        (torch.tensor([1000.0, 0.0]), torch.tensor([1000.0, 0.05]), False),
        (torch.tensor([1.0, float("nan")]), torch.tensor([1.0, float("nan")]), True),
        (torch.tensor([1.0, float("nan")]), torch.tensor([1.0, 1.0]), False),
        (torch.tensor([float("inf")]), torch.tensor([-float("inf")]), False),
        (torch.ones(2), torch.ones(2, dtype=torch.float64), False),
        (torch.ones(2), torch.ones(2, 1), False),
        (torch.ones(2, dtype=torch.complex64), torch.ones(2, dtype=torch.complex64), False),
    ],
)
def test_close_answers(a, b, same):
    """Shapes and dtypes count; differences count as a share of the greatest value."""
    assert SAME({"v": a}, {"v": b}) is same
    assert not SAME({"v": a}, {"w": b})
    assert close(dtype=False)({"v": torch.ones(2)}, {"v": torch.ones(2, dtype=torch.float64)})


def test_counts_of_one_coin_are_alike():
    """Two counts of the same coin pass, those of another coin do not."""
    fresh_seed()
    a, b, c = ({"n": (torch.rand(10_000) < p).sum()} for p in (0.5, 0.5, 0.6))
    assert counted(10_000)(a, b)
    assert not counted(10_000)(a, c)
    assert not counted(10_000)({"n": torch.tensor(0)}, {"n": torch.tensor(10_000)})


def test_any_of_the_errors_is_a_refusal():
    """Which of the allowed errors it was makes no difference; values and other errors do."""
    value, index, other = (Answer({"y": torch.tensor(n)}) for n in (1, 2, 5))
    rows, more = Answer({"y": torch.ones(2)}), Answer({"y": torch.ones(3)})
    assert BAD_LABELS.holds(index.values, value.values)
    assert alike(BAD_LABELS, index, value)
    assert not refused(ValueError).holds(index.values, value.values)
    for wrong in (rows, other):
        assert not BAD_LABELS.holds(wrong.values, value.values)
        assert not alike(BAD_LABELS, wrong, value)
        assert alike(BAD_LABELS, wrong, wrong)
    assert not alike(BAD_LABELS, rows, more)


def test_judge_says_what_became_of_each_criterion(reference):
    """Right, wrong, raised, not written and missing, each with the words of its test."""
    given = dict(asked(scaled(2), raising(NotImplementedError())))
    del given["scale_zero_is_unconditional"]
    given["nothing_is_clamped"] = Answer(error="ValueError", message="no")
    verdicts = {v.name: v for v in verdicts_on(GUIDANCE, given, reference, ROOT)}
    assert {
        name: verdicts[name].why
        for name in given
        if name
        in (
            "scale_one_is_conditional",
            "nothing_is_clamped",
            "cost_in_samples_evaluated",
            "scale_of_another_shape_is_refused",
        )
    } == {
        "scale_one_is_conditional": "its answer is wrong",
        "nothing_is_clamped": "it raised ValueError: no",
        "cost_in_samples_evaluated": "it is not written yet",
        "scale_of_another_shape_is_refused": "",
    }
    assert verdicts["scale_zero_is_unconditional"].why == "it gave no answer"
    assert verdicts["scale_of_another_shape_is_refused"].passed
    spoken = verdicts["scale_one_is_conditional"].words
    assert spoken == words_of(ROOT / "tests" / GUIDANCE.test_file)["test_scale_one_is_conditional"]
    assert (spoken.must, spoken.hint[:21]) == (
        "w = 1 amplifies nothing: the result is v_cond.",
        "count the scale from ",
    )


def test_a_solution_that_fails_is_said(reference):
    """Nobody is judged by answers that the solution did not give."""
    broken = reference | {"nothing_is_clamped": Answer(error="ValueError", message="no")}
    with pytest.raises(
        ValueError, match="the solution fails at nothing_is_clamped: ValueError: no"
    ):
        verdicts_on(GUIDANCE, reference, broken, ROOT)


def test_diagnosis_names_the_commonest_first(reference, known):
    """Of mistakes with the same answers, the one seen in most places comes first."""
    found = diagnose(GUIDANCE, asked(scaled(2)), reference, known)
    assert found is not None
    assert (found.of, [m.diagnosis for m in found.mistakes]) == ("guide", ["common", "rare"])


def test_a_function_that_is_not_written_hides_no_mistake_in_another(reference, known):
    """Each public name is looked at by itself."""
    own = guided(lambda y, null: y)
    found = diagnose(GUIDANCE, asked(raising(NotImplementedError()), own), reference, known)
    assert found is not None
    assert (found.of, [m.diagnosis for m in found.mistakes]) == ("guided_velocity", ["labels"])


@pytest.mark.parametrize(
    "guide", [scaled(1), scaled(3), raising(NotImplementedError()), raising(RuntimeError())]
)
def test_no_diagnosis(reference, known, guide):
    """What is right, wrong in an unknown way, or not written gets none."""
    assert diagnose(GUIDANCE, asked(guide), reference, known) is None


def test_chance_in_an_answer_does_not_hide_the_mistake(reference, known):
    """Answers count as the same within what their criterion allows."""
    given = dict(asked(scaled(2)))
    name = "values_follow_the_formula"
    moved = {key: value + 1e-12 for key, value in given[name].values.items()}
    found = diagnose(GUIDANCE, given | {name: replace(given[name], values=moved)}, reference, known)
    assert found is not None
    assert len(found.mistakes) == 2


def test_a_mistake_beside_another_is_named_for_what_it_explains(reference, known):
    """Where a shape is not refused either, the doubled scale is still named, and not as the
    whole truth.
    """

    def guide(v_uncond, v_cond, scale):
        scale = torch.as_tensor(scale).to(v_cond).flatten()[: len(v_cond)].view(-1, 1, 1, 1)
        return v_uncond + 2 * scale * (v_cond - v_uncond)

    found = diagnose(GUIDANCE, asked(guide), reference, known)
    assert found is not None
    assert found.of == "guide"
    assert not found.exactly


def test_values_that_no_mistake_gives_are_given_no_name(reference, known):
    """A scale that is tripled agrees with none of the known mistakes."""
    assert diagnose(GUIDANCE, asked(scaled(3)), reference, known) is None
