"""`kata predict`: two questions about a step that passes, then the picture that answers them."""

import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.prompt import Prompt

from kata.course.steps import Step
from kata.learn.draw import draw_step
from kata.learn.hints import passes
from kata.learn.memory import remember, remembered
from kata.learn.messages import say, say_indented
from kata.learn.workspace import Workspace

Reply = Callable[[str], str]
"""Asks for one line and returns it."""


def predict(
    workspace: Workspace,
    step: Step,
    console: Console,
    checkpoint: str | Path | None = None,
    on_screen: bool = True,
    reply: Reply | None = None,
) -> bool:
    """Ask the questions of a step, draw its picture, give the answers. Return whether it passes.

    reply: asks for a prediction (None: the terminal, if there is one, else nobody is asked). What
    is typed is remembered, and stands in the gallery. checkpoint, on_screen: as for `draw_step`.
    """
    if not passes(workspace, step):
        say(
            console,
            "",
            f"Step {step.number} does not pass yet: the picture would show its mistake.",
        )
        say(console, "next", f"kata check {step.number}")
        return False
    if reply is None and sys.stdin.isatty() and console.is_terminal:
        reply = _from_terminal(console)
    own = predictions(workspace, step)
    console.print(
        f"Step {step.number}. Predict, then see what your code draws.",
        style="bold",
        highlight=False,
    )
    for number, question in enumerate(step.questions):
        console.print()
        say_indented(console, [f"{number + 1}. {question.ask}"], by=2)
        if reply and (typed := reply("     you say").strip()):
            own[number] = typed
    if any(own):
        remember(workspace.root, "predictions", step, own)
    console.print()
    draw_step(workspace, step, console, None, checkpoint, on_screen)
    for number, question in enumerate(step.questions):
        console.print()
        said = [f"you said: {own[number]}"] if own[number] else []
        say_indented(console, [f"{number + 1}. {question.ask}"], by=2)
        say_indented(console, [*said, question.answer], by=5)
    return True


def predictions(workspace: Workspace, step: Step) -> list[str]:
    """Return what was predicted last for each question of a step; "" where nothing was."""
    kept = remembered(workspace.root, "predictions", step)
    kept = kept if isinstance(kept, list) else []
    kept = [text if isinstance(text, str) else "" for text in kept]
    return [*kept, *[""] * len(step.questions)][: len(step.questions)]


def _from_terminal(console: Console) -> Reply:
    return lambda words: Prompt.ask(words, console=console, default="", show_default=False)
