"""First drafts, made of the known mistakes, are named as what they are, or not at all.

A draft is a known mistake as learners have it, in a file that lacks its checks or its rest.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from kata.course.files import find_root, source_text
from kata.course.steps import STEPS, Step
from kata.course.variants import Mistake, all_mistakes
from kata.criteria.answers import Answers
from kata.criteria.diagnosis import diagnose
from kata.criteria.rules import Subject
from kata.criteria.verdicts import criteria_of, right

ROOT = find_root()


def drafts_of(mistake: Mistake, solutions: Path) -> Iterator[tuple[str, str]]:
    """Yield kinds of drafts, "unchecked" and "half written", with the texts of their files.

    Nothing is yielded where no mistake is left: one that is a missing check is, without checks, no
    draft of its own, and one in a private helper may concern every name.
    """
    solution = ast.parse(source_text(solutions / mistake.step.file))
    changes = ast.parse(source_text(mistake.path))
    unchecked = [_without_checks(tree) for tree in (solution, changes)]
    if not _is_alike(*unchecked):
        yield "unchecked", "\n\n".join(map(ast.unparse, unchecked))
    public, changed = mistake.step.public, {_name(node) for node in changes.body}
    last = max((public.index(name) for name in changed & set(public)), default=len(public))
    if unwritten := public[last + 1 :]:
        stubs = "\n\n".join(_stub(name, mistake.step.number) for name in unwritten)
        yield "half written", "\n\n".join([*map(ast.unparse, (solution, changes)), stubs])


def _stub(name: str, number: int) -> str:
    return f"def {name}(*_, **__):\n    raise NotImplementedError('step {number}: {name}')"


def _without_checks(tree: ast.Module) -> ast.Module:
    """Return a module without the statements that do nothing but raise an error."""
    return ast.fix_missing_locations(_Unchecked().visit(ast.parse(ast.unparse(tree))))


class _Unchecked(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if all(isinstance(line, ast.Raise) for line in node.body):
            return node.orelse or ast.Pass()
        return node


def _is_alike(solution: ast.Module, changes: ast.Module) -> bool:
    """Return whether all changed functions and classes are those of the solution."""
    own = {_name(node): _code(node) for node in solution.body}
    return all(own.get(_name(node)) == _code(node) for node in changes.body if _name(node))


def _name(node: ast.stmt) -> str:
    return getattr(node, "name", "")


def _code(node: ast.stmt) -> str:
    """Return a definition as text, without annotations and docstrings."""
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef):
            part.returns = None
        if isinstance(part, ast.arg):
            part.annotation = None
    return ast.unparse(node)


def lacks_only_checks(step: Step, answers: Answers, solution: Answers) -> bool:
    """Whether nothing is wrong with a file but what it does with bad input."""
    return all(
        criterion.subject == Subject.REFUSAL or right(criterion, answers.get(name), solution[name])
        for name, criterion in criteria_of(step).items()
    )


def worth_of_diagnosis(
    step: Step,
    mistake: Mistake,
    draft: Answers,
    solution: Answers,
    known: Mapping[Mistake, Answers],
) -> str:
    """Whether a diagnosis names the draft's mistake, or a check that is missing where nothing else
    is wrong.
    """
    found = diagnose(step, draft, solution, known)
    if found is None:
        return "not named"
    named = mistake in found.mistakes or all(
        lacks_only_checks(step, answers, solution)
        for answers in (draft, *(known[m] for m in found.mistakes))
    )
    return f"{'exactly' if found.exactly else 'mostly'}, {'true' if named else 'false'}"


@pytest.mark.slow
def test_drafts_are_named_truthfully(answers_of, tmp_path):
    """At least 85% of the drafts are named; "exactly" is never false, "mostly" in at most 5%."""
    counts = Counter()
    for step in STEPS:
        mistakes = [m for m in all_mistakes(ROOT) if m.step == step]
        drafts = {}
        for mistake in mistakes:
            for kind, text in drafts_of(mistake, ROOT / "solutions"):
                path = tmp_path / step.folder / kind / mistake.path.stem / step.file
                path.parent.mkdir(parents=True)
                path.write_text(text, encoding="utf-8")
                drafts[path] = kind, mistake
        targets = [ROOT / "solutions", *(m.path for m in mistakes), *drafts]
        solution, *rest = answers_of(step, targets)
        known = dict(zip(mistakes, rest, strict=False))
        answered = zip(drafts.values(), rest[len(mistakes) :], strict=True)
        for (kind, mistake), answers in answered:
            worth = worth_of_diagnosis(step, mistake, answers, solution, known)
            counts[worth] += 1
            if "true" not in worth:
                print(f"{mistake.name}, {kind}: {worth}")
    print(f"of {counts.total()} drafts: {dict(counts)}")
    assert counts["exactly, true"] + counts["mostly, true"] >= 0.85 * counts.total()
    assert counts["exactly, false"] == 0
    assert counts["mostly, false"] <= 0.05 * counts.total()
