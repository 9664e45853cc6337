"""Blame: steps that are tested together fail; whose step is at fault?"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kata.course.steps import Step, step_of_file
from kata.learn.workspace import Workspace
from kata.runner.records import reach

if TYPE_CHECKING:
    from kata.runner.client import WarmRunner


@dataclass(frozen=True)
class Blame:
    """Whose step is at fault when `step` fails among a person's own steps.

    at_fault: those steps, the first to mend first; empty if no single step is. fails_alone: whether
    those at fault fail their own tests; else all tests pass with a solution in their place.
    """

    step: Step
    at_fault: tuple[Step, ...]
    fails_alone: bool = True

    def sentence(self) -> str:
        """Return who is at fault and what comes first, in at most three sentences."""
        number = self.step.number
        if not self.at_fault:
            return (
                f"No single step is at fault: step {number} passes among the solutions, "
                "but it does not pass with only one of them."
            )
        first, others = self.at_fault[0].number, self.at_fault[1:]
        if self.at_fault == (self.step,):
            return f"Step {number} itself is at fault: it fails among the solutions as well."
        if not self.fails_alone:
            return (
                f"Step {first} is at fault: it passes its own tests, but step {number} passes "
                f"only with the solution of step {first}."
            )
        text = f"Step {first} is at fault: it does not pass its own tests. "
        if others:
            names = " and ".join(f"step {s.number}" for s in others)
            text += f"Nor does {names}. "
        return f"{text}`kata check {first}` comes first."


def known_blame(workspace: Workspace, step: Step) -> Blame | None:
    """Return who is at fault, as far as the results that are known tell; nothing is run."""
    isolated = isolated_workspace(workspace)
    failing = [s for s in [*used_by(workspace, step), step] if _fails(isolated, s)]
    return Blame(step, tuple(failing)) if failing and failing != [step] else None


def find_blame(runner: "WarmRunner", workspace: Workspace, step: Step) -> Blame | None:
    """Return who is at fault that a step fails, if steps are tested together; None if they are not.

    The tests of the steps that it uses run, unless their results are known. If all of those pass,
    the solutions take their places one by one. Without solutions/ the first step that fails among
    the person's own is at fault.
    """
    together = workspace.assembled and not workspace.implementation.changes
    if not together or not (used := used_by(workspace, step)):
        return None
    isolated = isolated_workspace(workspace)
    failing = tuple(s for s in [*used, step] if not _passes(runner, isolated, s))
    if failing or isolated is workspace:
        return Blame(step, failing or (step,))
    return Blame(step, _passes_with_solution_of(runner, workspace, step, used), fails_alone=False)


def isolated_workspace(workspace: Workspace) -> Workspace:
    """Return the same steps, each tested among the solutions; without solutions/, as before."""
    own = workspace.implementation
    if not own.solutions.is_dir():
        return workspace
    return Workspace(own.path if own.path.is_dir() else own.path.parent)


def used_by(workspace: Workspace, step: Step) -> list[Step]:
    """Return the steps that a step uses, and those that they use, in order."""
    files = map(step_of_file, reach(workspace.implementation, step))
    return sorted({s for s in files if s and s != step}, key=lambda s: s.number)


def _fails(isolated: Workspace, step: Step) -> bool:
    standing = isolated.standing(step)
    return not standing.passed and standing.is_known


def _passes(runner: "WarmRunner", isolated: Workspace, step: Step) -> bool:
    standing = isolated.standing(step)
    return standing.passed if standing.is_known else isolated.run(runner, step).passed


def _passes_with_solution_of(
    runner: "WarmRunner", workspace: Workspace, step: Step, used: list[Step]
) -> tuple[Step, ...]:
    """Return the first of the used steps in whose place a solution lets the step pass, if any."""
    with tempfile.TemporaryDirectory(prefix="kata-blame-") as folder:
        for one in used:
            for file in [*used, step]:
                source = workspace.implementation.solutions / file.file
                shutil.copy(source if file == one else workspace.file(file), Path(folder))
            if Workspace(folder, assembled=True).run(runner, step).passed:
                return (one,)
    return ()
