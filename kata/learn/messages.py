"""The result of a step's tests in words, for the person who wrote the step."""

import re

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from kata.course.steps import Step
from kata.learn.blame import Blame
from kata.learn.examine import Finding
from kata.learn.workspace import Workspace
from kata.runner.outcomes import Outcome, PytestResult

PRINTED_LINES = 8
LABEL = 7
"""Columns for the word before a path or a command."""


def say_heading(console: Console, workspace: Workspace, step: Step) -> None:
    """Print the step's number, title and file."""
    console.print(Text.assemble((f"Step {step.number}  ", "bold"), (step.title, "bold")))
    say(console, "file", workspace.where(step))
    console.print()


def say_result(console: Console, workspace: Workspace, step: Step, result: PytestResult) -> None:
    """Print the result of the tests: the first failure as a paragraph, and where it is."""
    say_verdict(console, result)
    if has_failure(result):
        console.print()
        say_failure(console, step, result)
        say_place(console, workspace, step, result)


def has_failure(result: PytestResult) -> bool:
    """Return whether a test says what is wrong; else the verdict says all."""
    return not result.passed and not result.reason and bool(result.failures)


def say_verdict(console: Console, result: PytestResult) -> None:
    """Print whether the tests pass, and which is the first that does not."""
    if result.passed:
        number = len(result.outcomes)
        console.print(f"Passed: all {number} tests, in {result.seconds:.1f} s.", style="green")
        return
    if not has_failure(result):
        why = result.reason or f"pytest itself stopped: {_last_line(result.output)}"
        console.print(f"Failed: {why}.".replace("..", "."), style="red", highlight=False)
        return
    first, failed = result.failures[0], len(result.failures)
    if _is_unloadable(result):
        console.print("Failed: the file does not load.", style="red")
        return
    count = f"{failed} of {len(result.outcomes)} tests" if failed > 1 else "one test"
    if first.error in ("TimeLimit", "BreakpointReached"):
        count = "a test was ended, and the rest with it"
    console.print(f"Failed: {count}. The first:", style="red", highlight=False)
    name = re.sub(r"\[.*", "", first.test, flags=re.DOTALL)
    console.print(f"{name}", style="dim", highlight=False, markup=False)


def say_failure(console: Console, step: Step, result: PytestResult) -> None:
    """Print the first failure as a paragraph."""
    say_indented(console, _joined(paragraph(step, result.failures[0])))


def say_place(console: Console, workspace: Workspace, step: Step, result: PytestResult) -> None:
    """Print where the first failure is, and the end of what its test printed."""
    first = result.failures[0]
    if place := place_of(workspace, step, first):
        console.print()
        say(console, "where", place)
    _say_printed(console, first)


def say_blame(console: Console, blame: Blame) -> None:
    """Print whose step is at fault, above the failure that it causes."""
    console.print(blame.sentence(), style="bold yellow", highlight=False, markup=False)
    console.print()


def say_finding(console: Console, finding: Finding) -> None:
    """Print the diagnosis."""
    share = "exactly" if finding.exactly else "mostly"
    which = "this known mistake" if len(finding.mistakes) == 1 else "each of these known mistakes"
    console.print()
    console.print(
        f"Diagnosis: your `{finding.of}` gives {share} what {which} gives:",
        style="yellow",
        highlight=False,
        markup=False,
    )
    for mistake in finding.mistakes:
        say_indented(console, [mistake.diagnosis])
        if "our own thinking" not in mistake.seen_in:
            say_indented(console, [f"Seen in {mistake.seen_in}"])


def say(console: Console, label: str, text: str) -> None:
    """Print a line with a label. It is never cut, so that paths can be clicked and commands
    copied.
    """
    console.print(f"{label:<{LABEL}}{text}", highlight=False, markup=False, soft_wrap=True)


def say_command(console: Console, workspace: Workspace, command: str, step: Step) -> None:
    """Print the next command, and the step's file behind it or, on a narrow terminal, below it."""
    command += workspace.implementation.options()
    line = f"{command}    {workspace.where(step)}"
    if console.is_terminal and len(line) + LABEL > console.width:
        say(console, "next", command)
        say(console, "file", workspace.where(step))
    else:
        say(console, "next", line)


def say_how_to_skip(console: Console, workspace: Workspace, step: Step) -> None:
    """Print how to skip an optional step; print nothing for other steps."""
    if step.is_optional and (after := workspace.after(step)) is not None:
        command = f"kata watch {after.number}{workspace.implementation.options()}"
        say(console, "or", f"{command}    step {step.number} may be skipped")


def say_finish(console: Console, workspace: Workspace) -> None:
    """Print what comes when all steps pass: train them together, and read the page about it."""
    console.print(
        "What is left: train the steps together on real digits, and read the page about it.",
        highlight=False,
    )
    say(console, "next", workspace.finish())


def paragraph(step: Step, outcome: Outcome) -> str:
    """Return a failure in words."""
    message = outcome.message.strip()
    if outcome.error == "NotImplementedError" and (said := re.match(r"step (\d+): (\S+)", message)):
        if int(said[1]) == step.number:
            return f"{said[2]} is not written yet."
        return (
            f"This step uses {said[2]} of step {said[1]}, which is not written yet: "
            f"`kata check {said[1]}` comes first."
        )
    if outcome.error == "TimeLimit":
        return f"A call {message}: look for a loop that does not end."
    if "File too large" in message and outcome.error == "OSError":
        return "It printed more than 16 MB: look for a print in a loop."
    if outcome.said_in_words or outcome.error in ("CollectError", "BreakpointReached"):
        return message
    if outcome.error == "RecursionError":
        return "RecursionError: a function calls itself without end."
    called = f"Called {outcome.called}.\n" if outcome.called else ""
    if outcome.error == "AssertionError":
        return f"{called}It raised AssertionError: an `assert` of your own failed."
    return f"{called}It raised {outcome.error}: {message}".rstrip(": ")


def place_of(workspace: Workspace, step: Step, outcome: Outcome) -> str:
    """Return the `path:line` to go to: of the error, else of the function that was called."""
    if outcome.place:
        return outcome.place
    said = re.search(r"(\S+\.py), line (\d+)", outcome.message) or None
    if said:
        return f"{said[1]}:{said[2]}"
    said = re.search(r"\(line (\d+) of (\S+\.py)\)", outcome.message)
    if said:
        return f"{said[2]}:{said[1]}"
    called = outcome.message.partition("\n")[0]
    name = next((n for n in step.public if re.search(rf"\b{n}\b", called)), step.public[-1])
    return workspace.where(step, name)


def _is_unloadable(result: PytestResult) -> bool:
    return len({(o.error, o.message) for o in result.failures}) == 1 and (
        result.failures[0].error == "Failed"
    )


def _say_printed(console: Console, outcome: Outcome) -> None:
    lines = [line for line in outcome.printed.splitlines() if not re.fullmatch(r"seed \d+", line)]
    if not lines:
        return
    console.print()
    console.print("printed, at the end:", style="dim")
    for line in lines[-PRINTED_LINES:]:
        text = "".join(c if c.isprintable() else " " for c in line)
        console.print(Text("    " + text), style="dim", overflow="ellipsis", no_wrap=True)


def say_indented(console: Console, lines: list[str], by: int = 4) -> None:
    """Print lines, each wrapped to the width of the terminal."""
    for line in lines:
        console.print(Padding(Text(line), (0, 0, 0, by), expand=False))


def _joined(text: str) -> list[str]:
    """Return the sentences of a check, each as one line, which is wrapped later."""
    joined: list[str] = []
    for line in text.splitlines():
        if joined and joined[0].startswith("Called ") and line.startswith("  "):
            joined[-1] += f" {line.strip()}"
        else:
            joined.append(line)
    return joined


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no reason")
