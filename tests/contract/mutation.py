"""How strong are the step tests? Mutate the solutions mechanically and count what the tests catch.

    python tests/contract/mutation.py            all steps
    python tests/contract/mutation.py 3 7        some of them

The mutations are those of cosmic-ray (the extra `dev`). Each mutated file is run through `--impl
FILE` in the warm runner, on one thread. Mutants that differ in annotations alone are left out:
nothing reads them at run time. What survives is printed, and listed with its reason in
SURVIVORS.md, beside this file.
"""

import ast
import difflib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from rich.console import Console
from rich.progress import track

from kata.course.files import find_root
from kata.course.steps import STEPS, Step
from kata.runner.client import WarmRunner
from kata.runner.outcomes import PytestJob

LIMIT = 30.0


def mutants(solution: str) -> Iterator[tuple[str, str]]:
    """Every mutation of a text that changes what is executed: the operator's name and the
    mutated text.
    """
    seen = {executed(solution)}
    for name in sorted(operator_names()):
        operator = get_operator(name)
        if operator.arguments():  # the two that replace variables want to be told which
            continue
        occurrence = 0
        while mutated := mutate_code(solution, operator(), occurrence):
            occurrence += 1
            if (code := executed(mutated)) not in seen:
                seen.add(code)
                yield name.removeprefix("core/"), mutated


def executed(text: str) -> str:
    """A text reduced to what is executed: no annotations, no docstrings."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return text
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def changed_line(solution: str, mutated: str) -> str:
    """The mutation as a person would read it: the line before and after."""
    changes = [
        line
        for line in difflib.ndiff(solution.splitlines(), mutated.splitlines())
        if line.startswith(("- ", "+ "))
    ]
    return "  ->  ".join(line[2:].strip() for line in changes)


def survivors_of(step: Step, root: Path, runner: WarmRunner) -> tuple[int, list[str]]:
    """How many mutants a step has, and those that its tests accept."""
    solution = (root / "solutions" / step.file).read_text(encoding="utf-8")
    found = list(mutants(solution))
    with tempfile.TemporaryDirectory(prefix="kata-mutants-") as folder:
        jobs = []
        for i, (_, mutated) in enumerate(found):
            path = Path(folder) / str(i) / step.file
            path.parent.mkdir()
            path.write_text(mutated, encoding="utf-8")
            jobs.append(PytestJob(("--impl", str(path), "-x"), LIMIT))
        results = track(
            runner.run_all(jobs), f"step {step.number}", len(jobs), console=Console(stderr=True)
        )
        accepted = []
        for mutant, result in zip(found, results, strict=True):
            if result.exit_code not in (0, 1, None):
                raise RuntimeError(
                    f"pytest itself failed on a mutant of step {step.number}: {result.output}"
                )
            if result.exit_code == 0:
                accepted.append(mutant)
    return len(found), [f"{name}: {changed_line(solution, mutated)}" for name, mutated in accepted]


def main() -> None:
    """Run and report."""
    root = find_root()
    chosen = {int(number) for number in sys.argv[1:]} or {step.number for step in STEPS}
    total = survived = 0
    with WarmRunner(root) as runner:
        for step in (s for s in STEPS if s.number in chosen):
            count, accepted = survivors_of(step, root, runner)
            total, survived = total + count, survived + len(accepted)
            print(f"step {step.number}: {count - len(accepted)} of {count} killed")
            for line in accepted:
                print(f"    {line}")
    print(f"all: {total - survived} of {total} killed, {(total - survived) / total:.1%}")


if __name__ == "__main__":
    main()
