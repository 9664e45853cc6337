"""`kata check`: the tests of one step, the first failure in words, the diagnosis, and what to do
next.
"""

from rich.console import Console

from kata.course.files import pasted, shown
from kata.course.steps import Step
from kata.learn.blame import Blame, find_blame, isolated_workspace
from kata.learn.examine import absent, examine
from kata.learn.messages import (
    say,
    say_blame,
    say_command,
    say_finding,
    say_finish,
    say_heading,
    say_how_to_skip,
    say_indented,
    say_result,
)
from kata.learn.workspace import Workspace, WorkspaceError
from kata.runner.client import WarmRunner
from kata.runner.outcomes import PytestResult


def check_step(workspace: Workspace, step: Step | None, console: Console) -> bool:
    """Test a step (None: the current one) and print the result. Return whether it passes.

    Raise WorkspaceError if there is no file to test.
    """
    chosen = step or workspace.current() or workspace.counted[0]
    demand_file(workspace, chosen)
    if say_what_is_missing(console, workspace, chosen):
        return False
    with WarmRunner(workspace.root, workers=1, training=False) as runner:
        return check_with(runner, workspace, chosen, console)


def check_with(runner: WarmRunner, workspace: Workspace, step: Step, console: Console) -> bool:
    """Test a step in a runner and print the result. Return whether it passes."""
    say_heading(console, workspace, step)
    result = workspace.run(runner, step)
    blame = None if result.passed else find_blame(runner, workspace, step)
    if blame:
        say_blame(console, blame)
    say_result(console, workspace, step, result)
    is_own = blame is None or blame.at_fault == (step,)
    if is_own and worth_examining(result):
        say_diagnosis(console, runner, workspace, step, result)
    console.print()
    say_next(console, workspace, step, result.passed, blame)
    return result.passed


def demand_file(workspace: Workspace, step: Step) -> None:
    """Raise WorkspaceError if the step has no file, or one that cannot be read."""
    path = workspace.file(step)
    if step not in workspace.steps:
        raise WorkspaceError(f"{shown(path)} is not step {step.number}: leave out the number.")
    if not path.exists():
        raise WorkspaceError(
            f"{shown(path)} is missing: `kata reset {step.number}` writes its stub again."
        )
    if workspace.text(step) is None:
        raise WorkspaceError(
            f"{shown(path)} cannot be read: check that it is a file and that you may read it."
        )


def say_what_is_missing(console: Console, workspace: Workspace, step: Step) -> bool:
    """Print that this step, or one that it uses, is not written yet. Return whether that is so."""
    standing = workspace.standing(step)
    if standing.written and standing.waits_for is None:
        return False
    say_heading(console, workspace, step)
    if not standing.written:
        console.print(
            f"Nothing is written here yet: {', '.join(step.public)}. "
            "The lesson is at the top of the file.",
            highlight=False,
        )
        console.print()
        _say_hint_or_watch(console, workspace, step)
        say_how_to_skip(console, workspace, step)
    elif (needed := standing.waits_for) is not None:
        console.print(
            f"Steps are tested together here, and step {step.number} uses step {needed.number}, "
            f"{needed.title}, which is not written yet.",
            highlight=False,
        )
        console.print()
        say_command(console, workspace, f"kata watch {needed.number}", needed)
    return True


def worth_examining(result: PytestResult) -> bool:
    """Return whether a diagnosis can add anything: the tests ended, and the step computed
    something.
    """
    told = {outcome.error for outcome in result.failures}
    ended = {"TimeLimit", "BreakpointReached"}
    return bool(told - {"NotImplementedError", "CollectError"}) and not told & ended


def say_diagnosis(
    console: Console, runner: WarmRunner, workspace: Workspace, step: Step, result: PytestResult
) -> None:
    """Name the known mistake that gives the same answers, if there is one."""
    if why := absent(workspace.root):
        console.print()
        console.print(why, style="dim")
        return
    with console.status("") as status:
        finding = examine(
            runner,
            workspace,
            step,
            result,
            lambda done, all_: status.update(f"comparing with known mistakes, {done} of {all_}"),
        )
    if finding:
        say_finding(console, finding)


def say_next(
    console: Console, workspace: Workspace, step: Step, passed: bool, blame: Blame | None = None
) -> None:
    """Print the next command; blame: whose fault it is that the step does not pass."""
    if not passed:
        isolated = isolated_workspace(workspace)
        if blame is None or blame.at_fault in ((), (step,)):
            _say_hint_or_watch(console, workspace, step)
        elif blame.fails_alone:
            first = blame.at_fault[0]
            say_command(console, isolated, f"kata watch {first.number}", first)
        elif isolated.implementation.options():
            compared = shown(workspace.root / "solutions" / blame.at_fault[0].file)
            say(console, "see", compared)
        else:
            say(console, "next", f"kata solution {blame.at_fault[0].number}")
        return
    path = pasted(workspace.implementation.path)
    options = workspace.implementation.options()
    own = "--impl" not in options
    if own:
        console.print("Predict, then see what your code draws:")
        say_indented(console, [question.ask for question in step.questions])
    what = f"predict {step.number}" if own else f"picture {step.number} --impl {path}"
    say(console, "see", f"kata {what}")
    if own and (workspace.root / "solutions").is_dir():
        say(console, "diff", f"kata solution {step.number}")
    if (after := workspace.after(step)) is not None:
        say_command(console, workspace, f"kata watch {after.number}", after)
    else:
        say_finish(console, workspace)


def _say_hint_or_watch(console: Console, workspace: Workspace, step: Step) -> None:
    watch = f"kata watch {step.number}{workspace.implementation.options()}"
    say(console, "next", f"kata hint {step.number}, or {watch}")
