"""`kata check`: the tests of one step, the first failure in words, the diagnosis, and what to do next."""

from rich.console import Console

from kata.course.files import shown
from kata.course.steps import Step
from kata.learn.examine import absent, examine
from kata.learn.messages import say, say_finding, say_heading, say_result
from kata.learn.workspace import Workspace, WorkspaceError
from kata.runner.client import WarmRunner
from kata.runner.outcomes import RunResult


def check_step(desk: Workspace, step: Step | None, console: Console) -> bool:
    """Test a step, the current one for None, and say what came of it; whether it passes.

    Raises DeskError where there is no file to test.
    """
    chosen = step or desk.current() or desk.steps[0]
    demand_file(desk, chosen)
    if say_what_is_missing(console, desk, chosen):
        return False
    with WarmRunner(desk.root, workers=1, training=False) as runner:
        return check_with(runner, desk, chosen, console)


def check_with(runner: WarmRunner, desk: Workspace, step: Step, console: Console) -> bool:
    """Test a step in a runner that is there, and say what came of it; whether it passes."""
    say_heading(console, desk, step)
    result = desk.run(runner, step)
    say_result(console, desk, step, result)
    if worth_examining(result):
        say_diagnosis(console, runner, desk, step, result)
    console.print()
    say_next(console, desk, step, result.passed)
    return result.passed


def demand_file(desk: Workspace, step: Step) -> None:
    """DeskError where the step has no file, or one that cannot be read."""
    path = desk.file(step)
    if step not in desk.steps:
        raise WorkspaceError(f"{shown(path)} is not step {step.number}: leave the number out.")
    if not path.exists():
        raise WorkspaceError(
            f"{shown(path)} is not there: `kata reset {step.number}` writes its stub anew."
        )
    if desk.text(step) is None:
        raise WorkspaceError(f"{shown(path)} cannot be read: look at its kind and its permissions.")


def say_what_is_missing(console: Console, desk: Workspace, step: Step) -> bool:
    """Say that nothing is written yet, here or in a step that this one needs; whether that was so."""
    standing = desk.standing(step)
    if standing.written and standing.waits_for is None:
        return False
    say_heading(console, desk, step)
    if not standing.written:
        console.print(
            f"Nothing is written here yet: {', '.join(step.public)}. "
            "The lesson stands at the top of the file.",
            highlight=False,
        )
        console.print()
        say(console, "next", f"kata hint {step.number}, or kata watch {step.number}{desk.option()}")
    elif (needed := standing.waits_for) is not None:
        console.print(
            f"Steps are tested together here, and step {step.number} uses step {needed.number}, "
            f"{needed.title}, which is not written yet.",
            highlight=False,
        )
        console.print()
        say(console, "next", f"kata watch {needed.number}{desk.option()}    {desk.where(needed)}")
    return True


def worth_examining(result: RunResult) -> bool:
    """Whether a diagnosis may say more than the tests did: they ran to their end, and something was computed."""
    told = {outcome.error for outcome in result.failures}
    return bool(told - {"NotImplementedError", "CollectError"}) and "TimeLimit" not in told


def say_diagnosis(
    console: Console, runner: WarmRunner, desk: Workspace, step: Step, result: RunResult
) -> None:
    """Look for the known mistake whose answers these are, and name it where there is one."""
    if why := absent(desk.root):
        console.print()
        console.print(why, style="dim")
        return
    with console.status("") as status:
        finding = examine(
            runner,
            desk,
            step,
            result,
            lambda done, all_: status.update(f"asking known mistakes, {done} of {all_}"),
        )
    if finding:
        say_finding(console, finding)


def say_next(console: Console, desk: Workspace, step: Step, passed: bool) -> None:
    """The next command."""
    option = desk.option()
    if not passed:
        say(console, "next", f"kata hint {step.number}, or kata watch {step.number}{option}")
        return
    path = shown(desk.implementation.path)
    own = path == "exercises"
    say(console, "see", f"kata picture {step.number}" + ("" if own else f" --impl {path}"))
    if own and (desk.root / "solutions").is_dir():
        say(console, "diff", f"kata solution {step.number}")
    if (after := desk.after(step)) is not None:
        say(console, "next", f"kata watch {after.number}{option}    {desk.where(after)}")
    elif not desk.assembled:
        say(console, "next", f"kata check --assembled{option}")
    else:
        say(console, "next", f"kata demo --impl {path}")
