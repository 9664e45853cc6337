"""`kata watch`: one loop takes the events, one at a time, and decides what to test and what to
print.
"""

from contextlib import suppress

from rich.console import Console

from kata.course.files import shown
from kata.course.loader import StepError
from kata.course.steps import Step
from kata.learn.blame import Blame
from kata.learn.board import show_board
from kata.learn.check import demand_file, say_next, say_what_is_missing, worth_examining
from kata.learn.events import (
    AllTested,
    Blamed,
    Diagnosed,
    Drawn,
    Events,
    Failed,
    Gone,
    Late,
    Pressed,
    Saved,
    TaskEvent,
    Tested,
    Tester,
    draw_picture,
    listen_to_keys,
    look_at_files,
)
from kata.learn.examine import Finding, absent
from kata.learn.hints import give_hint
from kata.learn.keys import Keys
from kata.learn.messages import (
    has_failure,
    say_blame,
    say_failure,
    say_finding,
    say_heading,
    say_place,
    say_verdict,
)
from kata.learn.screen import Screen
from kata.learn.workspace import Workspace
from kata.runner.client import WarmRunner
from kata.runner.outcomes import PytestResult


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
        self.workspace, self.step, self.screen = workspace, step, Screen(console)
        self.events, self.tester, self.has_keys = events, tester, has_keys

    def loop(self) -> None:
        """Take events until `q`. Events of a task that was stopped are dropped."""
        path = shown(self.workspace.implementation.path)
        self.screen.line("heading", f"Watching {path}; the tests run at every save.")
        self.screen.line("keys", KEYS if self.has_keys else "")
        self._begin()
        self.take_all()

    def take_all(self) -> None:
        """Take the events of a screen that is there, until `q`."""
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
                    self._note(f"{path} is gone; waiting for it to come back.")
                case Drawn(text):
                    self._note(text)
                case Tested() | AllTested() | Blamed() | Diagnosed() | Late() | Failed() as event:
                    if not event.task.is_stopped:
                        self._tell(event)

    def _press(self, key: str) -> None:
        if key == "h":
            self.screen.put("note", lambda to: give_hint(self.workspace, self.step, to))
            self.screen.remove("next")  # the hint has its own
            self._show()
        elif key == "p":
            self._note("drawing ...")
            draw_picture(self.workspace, self.step, self.events)
        elif key == "n":
            after = self.workspace.after(self.step)
            if after is None:
                self._note("There is no other step that does not pass.")
            else:
                self.step = after
                self._begin()
        elif key == "a":
            self._note("testing all steps ...")
            self.tester.test_all()

    def _begin(self) -> None:
        """Test the step that is watched now."""
        try:
            self.workspace.refresh()
        except StepError:
            return  # all files are gone, for a moment or for good
        standing = self.workspace.standing(self.step)
        if not standing.written or standing.waits_for is not None:
            self._clear()
            self.screen.put(
                "heading", lambda to: say_what_is_missing(to, self.workspace, self.step)
            )
            self._show()
            self.tester.prepare(self.step)
        else:
            self._note(f"step {self.step.number}: testing ...")
            self.tester.test(self.step)

    def _tell(self, event: TaskEvent) -> None:
        match event:
            case Failed(_, why):
                self.screen.line("note", f"The tests could not run: {why}")
            case AllTested():
                self._clear()
                self.screen.put("heading", lambda to: show_board((self.workspace,), to))
            case Tested(_, step, result):
                self._clear()
                self._tell_result(step, result)
            case Blamed(_, blame):
                self._tell_blame(blame)
            case Diagnosed(_, None):
                self.screen.line("diagnosis", "No known mistake gives these answers.")
            case Diagnosed(_, Finding() as finding):
                self.screen.put("diagnosis", lambda to: say_finding(to, finding))
            case Late():
                self.screen.line(
                    "diagnosis",
                    f"Still looking for a known mistake: `{self._check()}` waits for it.",
                )
        self._show()

    def _tell_result(self, step: Step, result: PytestResult) -> None:
        screen, workspace = self.screen, self.workspace
        screen.put("heading", lambda to: say_heading(to, workspace, step))
        screen.put("verdict", lambda to: say_verdict(to, result))
        if has_failure(result):
            screen.put("failure", lambda to: say_failure(_after_gap(to), step, result))
            screen.put("place", lambda to: say_place(to, workspace, step, result))
        if not result.passed and (why := absent(workspace.root)):
            screen.line("diagnosis", why)
        elif workspace.assembled and not result.passed:
            screen.line("diagnosis", "Looking for the step at fault ...")
        elif worth_examining(result):
            screen.line("diagnosis", SEARCH)
        screen.put("next", lambda to: say_next(_after_gap(to), workspace, step, result.passed))

    def _tell_blame(self, blame: Blame | None) -> None:
        if blame is None or blame.at_fault == (self.step,):
            self.screen.line("diagnosis", absent(self.workspace.root) or SEARCH)
        else:
            self.screen.line("diagnosis", "")
        if blame is not None:
            found = blame
            self.screen.put("blame", lambda to: say_blame(to, found))
            self.screen.put(
                "next",
                lambda to: say_next(_after_gap(to), self.workspace, self.step, False, found),
            )

    def _clear(self) -> None:
        self.screen.clear()
        self.screen.line("keys", KEYS if self.has_keys else "")

    def _note(self, text: str) -> None:
        self.screen.line("note", text)
        self._show()

    def _show(self) -> None:
        self.screen.show(f"    ... `{self._check()}` shows all of it")

    def _check(self) -> str:
        return f"kata check {self.step.number}{self.workspace.implementation.options()}"


KEYS = "h hint   p picture   n next   a all   q quit"
SEARCH = "Looking for a known mistake ..."


def _after_gap(console: Console) -> Console:
    console.print()
    return console
