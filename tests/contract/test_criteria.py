"""The criteria: right answers pass them all and get no diagnosis; every known mistake fails one
and is recognised.
"""

import ast
import os
import symtable
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from kata.course.files import find_root
from kata.course.steps import STEPS
from kata.course.stubs import write_stubs
from kata.course.variants import Mistake, all_mistakes, variants
from kata.criteria.answers import read_answers
from kata.criteria.diagnosis import Answers, ask_and_write, diagnose
from kata.criteria.questions import questions_of
from kata.criteria.verdicts import criteria_of, verdicts_on, words_of
from kata.grade.sandbox.view import questions_only
from kata.runner.outcomes import Call

ROOT = find_root()
LIMIT = 120.0
ASK = f"{ask_and_write.__module__}:{ask_and_write.__name__}"
by_step = pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)


@dataclass(frozen=True)
class Asked:
    """What a step's solution, its stub, the right answers in other styles and the known mistakes
    answered.
    """

    solution: Answers
    stub: Answers
    alternatives: Mapping[str, Answers]
    mistakes: Mapping[Mistake, Answers]


@pytest.fixture(scope="module")
def asked(runner, tmp_path_factory):
    """Asks all of a step the same questions, each in a process of its own, once for all tests."""
    seed = int.from_bytes(os.urandom(7), "big")
    stubs, found = tmp_path_factory.mktemp("stubs"), {}
    write_stubs(ROOT, stubs)

    def answers(step, target: Path) -> Answers:
        to = tmp_path_factory.mktemp("answers") / "answers"
        arguments = {"step": step.number, "target": str(target), "to": str(to), "seed": seed}
        reply = runner.call(Call(ASK, arguments, LIMIT))
        assert not reply.reason, f"{target}: {reply.reason}"
        return read_answers(to)

    def ask(step) -> Asked:
        if step not in found:
            alternatives = variants(ROOT, "alternatives", step)
            mistakes = [m for m in all_mistakes(ROOT) if m.step == step]
            targets = [ROOT / "solutions", stubs, *alternatives, *(m.path for m in mistakes)]
            with ThreadPoolExecutor(runner.workers) as pool:
                solution, stub, *rest = pool.map(lambda path: answers(step, path), targets)
            found[step] = Asked(
                solution,
                stub,
                dict(zip((p.stem for p in alternatives), rest, strict=False)),
                dict(zip(mistakes, rest[len(alternatives) :], strict=True)),
            )
        print(f"seed {seed}")
        return found[step]

    return ask


@by_step
def test_criteria_are_named_for_tests_and_ask_about_every_name(step):
    """A question has the name of a test, whose docstring states the property; each public name
    has one.
    """
    questions, words = questions_of(step), words_of(ROOT / "tests" / step.test_file)
    assert {question.of for question in questions.values()} == set(step.public)
    for name in questions:
        assert words[f"test_{name}"].must.endswith("."), name
    assert criteria_of(step).keys() == questions.keys()


@by_step
def test_inputs_of_a_test_are_those_of_a_question(step):
    """What a test imports from the criteria, some question of its step uses: it survives the
    cut.
    """
    tests = ast.parse((ROOT / "tests" / step.test_file).read_text(encoding="utf-8"))
    for node in ast.walk(tests):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kata.criteria"):
            path = ROOT / f"{node.module.replace('.', '/')}.py"
            if path.stem == "questions":  # copied whole
                continue
            assert path.stem.partition("_")[0] == step.folder, f"{node.module} is not of this step"
            cut = symtable.symtable(questions_only(path.read_text("utf-8")), path.name, "exec")
            kept = {symbol.get_name() for symbol in cut.get_symbols() if symbol.is_assigned()}
            unused = {alias.name for alias in node.names} - kept
            assert not unused, f"no question of {path.name} uses {sorted(unused)}"


@pytest.mark.slow
@by_step
def test_right_answers_pass_and_are_not_diagnosed(asked, step):
    """The solution and the right answers in other styles pass every criterion, and nobody finds
    a mistake in them.
    """
    it = asked(step)
    for name, answers in {"solution": it.solution, **it.alternatives}.items():
        failed = [v for v in verdicts_on(step, answers, it.solution, ROOT) if not v.passed]
        assert not failed, name
        assert diagnose(step, answers, it.solution, it.mistakes) is None, name


@pytest.mark.slow
@by_step
def test_stub_is_told_that_it_is_not_written(asked, step):
    """Of a stub, every criterion says that it is not written yet, and there is no diagnosis."""
    it = asked(step)
    verdicts = verdicts_on(step, it.stub, it.solution, ROOT)
    assert {(v.passed, v.why) for v in verdicts} == {(False, "it is not written yet")}
    assert diagnose(step, it.stub, it.solution, it.mistakes) is None


@pytest.mark.slow
@by_step
def test_every_mistake_fails_a_criterion(asked, step):
    """No known mistake gives the right answers everywhere."""
    it = asked(step)
    unseen = [
        mistake.name
        for mistake, answers in it.mistakes.items()
        if all(v.passed for v in verdicts_on(step, answers, it.solution, ROOT))
    ]
    assert not unseen


@pytest.mark.slow
def test_mistakes_are_recognised(asked):
    """At least 95% of the known mistakes are diagnosed as themselves, or among at most three
    that answer alike.
    """
    alone, grouped, others = [], [], []
    for step in STEPS:
        it = asked(step)
        for mistake, answers in it.mistakes.items():
            diagnosis = diagnose(step, answers, it.solution, it.mistakes)
            found = diagnosis.mistakes if diagnosis else ()
            place = others if mistake not in found or len(found) > 3 else grouped
            (alone if found == (mistake,) else place).append(mistake.name)
    total = len(alone) + len(grouped) + len(others)
    print(
        f"of {total} known mistakes {len(alone)} are diagnosed as themselves, {len(grouped)} in a group of two or "
        f"three with the same answers ({', '.join(grouped)}), {len(others)} not ({', '.join(others)})"
    )
    assert len(others) <= 0.05 * total
