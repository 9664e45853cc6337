"""Which steps to look at when all of them together miss an expectation, or one of them fails."""

from rich.console import Console

from kata.learn.board import run_missing
from kata.learn.workspace import open_workspace


def say_steps_at_fault(target: str, console: Console) -> str:
    """Return a sentence that names the steps which do not pass their own tests.

    Only what is written is named. If every step passes, the sentence says how to test them
    together; if nothing is known to fail, it is empty. target: as for `Implementation`; console:
    shows the progress of the tests that have to run. Raise WorkspaceError if there is no step file.
    """
    workspace = open_workspace(target)
    run_missing((workspace,), console)
    standings = {step.number: workspace.standing(step) for step in workspace.steps}
    failing = [n for n, s in standings.items() if s.result is not None and not s.passed]
    options = workspace.implementation.options()
    if all(standing.passed for standing in standings.values()):
        return (
            f"Every step passes its own tests: `pytest --assembled{options}` tests them together."
        )
    if not failing:
        return ""
    begin = f"begin with `kata check {failing[0]}{options}`."
    if len(failing) == 1:
        return f"Step {failing[0]} does not pass its own tests: {begin}"
    listed = f"{', '.join(map(str, failing[:-1]))} and {failing[-1]}"
    return f"Steps {listed} do not pass their own tests: {begin}"
