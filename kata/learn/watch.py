"""`kata watch`: one loop takes the events, one at a time, and decides what to test and what to
print.
"""

from contextlib import suppress

from rich.console import Console

from kata.course.files import shown
from kata.course.loader import StepError
from kata.course.steps import Step
from kata.learn.board import show_board
from kata.learn.check import demand_file, say_next, say_what_is_missing
from kata.learn.events import (
    AllTested,
    Diagnosed,
    Drawn,
    Events,
    Failed,
    Gone,
    Pressed,
    Saved,
    Tested,
    Tester,
    draw_picture,
    listen_to_keys,
    look_at_files,
)
from kata.learn.examine import absent
from kata.learn.hints import give_hint
from kata.learn.keys import Keys
from kata.learn.messages import say_finding, say_heading, say_result
from kata.learn.workspace import Workspace
from kata.runner.client import WarmRunner


def watch_step(workspace: Workspace, step: Step | None, console: Console) -> None:
    """Test a step (None: the current one) at once and whenever a step file is saved, until `q`.

    Raise WorkspaceError if there is no file to begin with.
    """
    chosen = step or workspace.current() or workspace.counted[0]
    demand_file(workspace, chosen)
    events = Events()
    with (
        suppress(KeyboardInterrupt),
        WarmRunner(workspace.root, workers=1, training=False) as runner,
        Keys() as keys,
    ):
        files = {step: workspace.file(step) for step in workspace.steps}
        look_at_files(files, events)
        listen_to_keys(keys, events)
        tester = Tester(workspace, runner, events)
        _Watch(workspace, chosen, console, events, tester, keys.there).loop()


class _Watch:
    """The step that is watched, and what is printed."""

    def __init__(
        self,
        workspace: Workspace,
        step: Step,
        console: Console,
        events: Events,
        tester: Tester,
        has_keys: bool,
    ) -> None:
        self.workspace, self.step, self.console = workspace, step, console
        self.events, self.tester, self.has_keys = events, tester, has_keys

    def loop(self) -> None:
        """Take events until `q`. Events of a task that was stopped are dropped."""
        path = shown(self.workspace.implementation.path)
        self._say(f"Watching {path}; the tests run at every save.")
        self._begin()
        while True:
            match self.events.take():
                case Pressed("q"):
                    return
                case Pressed(name):
                    self._press(name)
                case Saved(steps):
                    self.step = self.step if self.step in steps else steps[-1]
                    self._begin()
                case Gone(self.step):
                    path = shown(self.workspace.file(self.step))
                    self._say(f"{path} is gone; waiting for it to come back.")
                case Drawn(text):
                    self._say(text)
                    self._say_keys()
                case Tested() | AllTested() | Diagnosed() | Failed() as event:
                    if not event.task.is_stopped:
                        self._tell(event)

    def _press(self, key: str) -> None:
        if key == "h":
            give_hint(self.workspace, self.step, self.console)
            self._say_keys()
        elif key == "p":
            self._say("drawing ...")
            draw_picture(self.workspace, self.step, self.events)
        elif key == "n":
            after = self.workspace.after(self.step)
            if after is None:
                self._say("There is no other step that does not pass.")
            else:
                self.step = after
                self._begin()
        elif key == "a":
            self._say("testing all steps ...")
            self.tester.test_all()

    def _begin(self) -> None:
        """Test the step that is watched now."""
        try:
            self.workspace.refresh()
        except StepError:
            return  # all files are gone, for a moment or for good
        standing = self.workspace.standing(self.step)
        if not standing.written or standing.waits_for is not None:
            self.tester.stop()
            self._clear()
            say_what_is_missing(self.console, self.workspace, self.step)
            self._say_keys()
        else:
            self._say(f"step {self.step.number}: testing ...")
            self.tester.test(self.step)

    def _tell(self, event: Tested | AllTested | Diagnosed | Failed) -> None:
        match event:
            case Failed(_, why):
                self._say(f"The tests could not run: {why}")
            case AllTested():
                self._clear()
                show_board((self.workspace,), self.console)
            case Diagnosed(_, finding):
                say_finding(self.console, finding)
            case Tested(_, step, result):
                self._clear()
                say_heading(self.console, self.workspace, step)
                say_result(self.console, self.workspace, step, result)
                if not result.passed and (why := absent(self.workspace.root)):
                    self._say(why)
                self.console.print()
                say_next(self.console, self.workspace, step, result.passed)
        self._say_keys()

    def _clear(self) -> None:
        if self.console.is_terminal:
            self.console.clear()
        else:
            self.console.print()

    def _say(self, text: str) -> None:
        self.console.print(text, style="dim", highlight=False, markup=False)

    def _say_keys(self) -> None:
        if self.has_keys:
            self.console.print()
            self._say("h hint   p picture   n next   a all   q quit")
