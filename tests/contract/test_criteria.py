"""The criteria: right answers pass them all and get no diagnosis; every known mistake fails one
and is recognised.
"""

import ast
import symtable
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from kata.course.files import find_root
from kata.course.steps import STEPS
from kata.course.stubs import write_stubs
from kata.course.variants import Mistake, all_mistakes, variants
from kata.criteria.answers import Answers
from kata.criteria.diagnosis import diagnose
from kata.criteria.questions import questions_of
from kata.criteria.verdicts import criteria_of, verdicts_on, words_of
from kata.grade.sandbox.view import questions_only

ROOT = find_root()
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
def asked(answers_of, tmp_path_factory):
    """Asks all of a step the same questions."""
    stubs = tmp_path_factory.mktemp("stubs")
    write_stubs(ROOT, stubs)

    def ask(step) -> Asked:
        alternatives = variants(ROOT, "alternatives", step)
        mistakes = [m for m in all_mistakes(ROOT) if m.step == step]
        targets = [ROOT / "solutions", stubs, *alternatives, *(m.path for m in mistakes)]
        solution, stub, *rest = answers_of(step, targets)
        return Asked(
            solution,
            stub,
            dict(zip((p.stem for p in alternatives), rest, strict=False)),
            dict(zip(mistakes, rest[len(alternatives) :], strict=True)),
        )

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
