"""`kata watch`, as a person uses it: at every save a verdict, whatever happens to the file."""

import io
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import threading

import pytest
from rich.console import Console
from rich.text import Text

from kata.course.steps import STEPS
from kata.learn import events as happened
from kata.learn.screen import fitted
from kata.learn.watch import _Watch
from kata.learn.workspace import Workspace
from kata.runner.client import WarmRunner
from kata.runner.outcomes import Outcome, PytestResult

STEP = STEPS[9]
PATIENCE = 120


class Watch:
    """A running `kata watch`, and what it printed."""

    def __init__(self, course, *arguments, terminal=None):
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
        if terminal is not None:
            streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kata", "watch", *arguments],
            cwd=course,
            env={**os.environ, "PYTHONUTF8": "1", "COLUMNS": "80", "TERM": "xterm"},
            **streams,
        )
        self.pieces = queue.SimpleQueue()
        self.unread = ""

    def listen(self, handle):
        """Collect in the background what comes out of a file handle."""

        def collect():
            while True:
                try:
                    piece = os.read(handle, 1 << 16)
                except OSError:
                    piece = b""
                self.pieces.put(piece.decode("utf-8", "replace"))
                if not piece:
                    return

        threading.Thread(target=collect, daemon=True).start()
        return self

    def listen_to_output(self):
        """Collect what it prints."""
        return self.listen(self.process.stdout.fileno())

    def end(self):
        """End it."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def wait_for(self, words):
        """Everything that is printed up to these words, which were not waited for yet."""
        while words not in self.unread:
            piece = self.pieces.get(timeout=PATIENCE)
            assert piece, f"it ended without {words!r}: {self.unread}"
            self.unread += piece
        text, words, self.unread = self.unread.partition(words)
        return text + words


@pytest.fixture
def watching(course):
    """Starts `kata watch` in the course, and ends it."""
    started = []

    def start(*arguments):
        watch = Watch(course, *arguments)
        started.append(watch)
        return watch.listen_to_output()

    yield start
    for watch in started:
        watch.end()


def test_every_save_gets_its_verdict(course, watching):
    """A stub, a right answer, a syntax error, a crash, a file that vanishes, a loop that the
    next save ends.
    """
    path = course / "exercises" / STEP.file
    solution = (course / "solutions" / STEP.file).read_text(encoding="utf-8")

    def save(text):
        path.write_text(text, encoding="utf-8")

    def with_body(body):
        return solution.replace("    if noise is None:\n", f"    {body}\n    if noise is None:\n")

    watch = watching("9")
    watch.wait_for("Nothing is written here yet")
    save(solution)
    watch.wait_for("Passed: all")
    save(solution + "def (:\n")
    watch.wait_for("syntax error")
    save(with_body("import os; os._exit(1)"))
    watch.wait_for("the interpreter itself ended")
    path.unlink()
    watch.wait_for("is gone; waiting for it to come back")
    save(with_body("while True: pass"))
    watch.wait_for("testing ...")
    save(solution.replace('"guided": drawn(target_class, cfg_scale)', '"guided": None'))
    watch.wait_for("Failed")
    assert "None" in watch.wait_for("next ")
    assert watch.process.poll() is None


def test_a_save_that_keeps_size_and_time_is_noticed(course, watching):
    """As of tools that set the modification time back."""
    path = course / "exercises" / STEP.file
    solution = (course / "solutions" / STEP.file).read_text(encoding="utf-8")
    path.write_text(solution, encoding="utf-8")
    before = path.stat()
    watch = watching("9")
    watch.wait_for("Passed: all")
    path.write_text(solution.replace('"guided": drawn', '"guidex": drawn'), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    watch.wait_for("Failed")


def test_the_suggested_commands_work_in_another_folder(course, tmp_path):
    """The path of the steps is quoted, and the next command is run as a shell would split it."""
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    folder = shutil.copytree(course / "exercises", tmp_path / "it's mine" / "my steps")
    watch = Watch(elsewhere, "9", "--impl", str(folder)).listen_to_output()
    try:
        watch.wait_for("next   ")
        command = shlex.split(watch.wait_for("\n").rpartition("or ")[2])
        assert command == ["kata", "watch", "9", "--impl", str(folder)]
    finally:
        watch.end()
    again = Watch(elsewhere, *command[2:]).listen_to_output()
    try:
        again.wait_for("Nothing is written here yet")
    finally:
        again.end()


def test_events_of_a_stopped_task_are_dropped(course):
    """What an older save came to is not told after a newer one."""
    runner = WarmRunner(course, workers=1)
    events, workspace = happened.Events(), Workspace()
    tester = happened.Tester(workspace, runner, events)
    stopped, current = runner.task(), runner.task()
    stopped.stop()
    for task, output in ((stopped, "old"), (current, "new")):
        events.put(happened.Tested(task, STEP, PytestResult(reason=output)))
    events.put(happened.Failed(stopped, "old error"))
    events.put(happened.Pressed("q"))
    console = Console(file=io.StringIO(), width=80)
    _Watch(workspace, STEP, console, events, tester, has_keys=False).loop()
    text = console.file.getvalue()
    assert "Failed: new." in text
    assert "old" not in text


def test_another_step_that_is_saved_becomes_the_current_one(course, watching):
    """One saves what one works on."""
    watch = watching("9")
    watch.wait_for("Nothing is written here yet")
    solution = (course / "solutions" / STEPS[2].file).read_bytes()
    (course / "exercises" / STEPS[2].file).write_bytes(solution)
    assert "Step 2" in watch.wait_for("Passed: all")


def test_ctrl_c_ends_it_quietly(course, watching):
    """Exit code 0, nothing left running, no stack trace."""
    watch = watching()
    watch.wait_for("Nothing is written here yet")
    watch.process.send_signal(signal.SIGINT)
    assert watch.process.wait(timeout=PATIENCE) == 0


@pytest.mark.parametrize("step", ["11", "eleven"])
def test_a_step_that_is_none(kata, step):
    """One sentence, exit code 2."""
    run = kata("watch", step)
    assert (run.returncode, len(run.stderr.splitlines())) == (2, 1)


def test_one_key_each(course):
    """On a terminal: hint, next, all, quit; the terminal is left as it was found."""
    pty = pytest.importorskip("pty")
    termios = pytest.importorskip("termios")
    near, far = pty.openpty()
    before = termios.tcgetattr(far)
    watch = Watch(course, "9", terminal=far).listen(near)
    try:
        watch.wait_for("q quit")
        os.write(near, b"h")
        watch.wait_for("hint 1 of 3")
        watch.wait_for("q quit")
        os.write(near, b"n")
        watch.wait_for("Step 10")
        watch.wait_for("q quit")
        os.write(near, b"a")
        watch.wait_for("0 of 10 pass isolated")
        os.write(near, b"q")
        assert watch.process.wait(timeout=PATIENCE) == 0
        assert termios.tcgetattr(far) == before
    finally:
        watch.process.kill()
        watch.process.wait()
        os.close(far)
        os.close(near)


def parts_of(failure, diagnosis=(), note=()):
    """A screen with parts of so many lines."""
    return {
        "heading": ["Step 3", "file   x.py:1"],
        "verdict": ["Failed: 2 of 3 tests. The first:", "test_a"],
        "failure": [f"failure {n}" for n in range(failure)],
        "place": ["where  x.py:7", "", "printed, at the end:", *["    x"] * 8],
        "diagnosis": list(diagnosis),
        "note": list(note),
        "next": ["next   kata hint 3"],
        "keys": ["q quit"],
    }


@pytest.mark.parametrize("failure", [1, 8, 40])
@pytest.mark.parametrize("note", [[], ["hint"] * 9])
def test_heading_and_keys_stay_in_view(failure, note):
    """24 lines: failure and diagnosis are shortened, a hint is whole, and a line says so once."""
    diagnosis = [f"diagnosis {n}" for n in range(6)]
    lines = fitted(parts_of(failure, diagnosis, note), 23, 80, "more")
    assert len(lines) <= 23
    assert lines[:2] == ["Step 3", "file   x.py:1"]
    assert lines[-3:] == ["next   kata hint 3", "", "q quit"]
    assert lines.count("hint") == len(note)
    assert lines.count("more") == 1
    assert "diagnosis 0" in lines or note


def test_what_fits_is_not_shortened():
    """And a line that is wider than the terminal takes two rows."""
    parts = parts_of(1)
    whole = fitted(parts, 40, 80, "more")
    assert "more" not in whole
    assert fitted(parts, len(whole), 80, "more") == whole
    parts["place"][0] += "x" * 80
    assert "more" in fitted(parts, len(whole), 80, "more")


def test_the_keys_are_shown_once_and_a_search_is_told(course):
    """On a terminal of 24 lines: after a verdict, a late diagnosis, none, a hint, a picture."""
    runner = WarmRunner(course, workers=1)
    workspace, events = Workspace(), happened.Events()
    tester = happened.Tester(workspace, runner, events)
    file = io.StringIO()
    console = Console(file=file, width=80, height=24, force_terminal=True)
    watch = _Watch(workspace, STEP, console, events, tester, has_keys=True)
    message = "Called x.\n" + "\n".join(f"line {n}" for n in range(40))
    result = PytestResult((Outcome("test_a", "failed", "Failed", message),), 1)
    after = {
        "Looking for a known mistake ...": happened.Tested(tester.task, STEP, result),
        "Still looking for a known mistake: `kata check 9` waits": happened.Late(tester.task),
        "No known mistake gives these answers.": happened.Diagnosed(tester.task, None),
        "hint 1 of 3": happened.Pressed("h"),
        "a picture is there": happened.Drawn("a picture is there"),
    }
    for words, event in after.items():
        file.seek(0)
        file.truncate()
        events.put(event)
        events.put(happened.Pressed("q"))
        watch.take_all()
        shown = Text.from_ansi(file.getvalue().rpartition("\x1b[2J")[2]).plain
        assert words in shown
        assert shown.count("q quit") == 1
        assert shown.lstrip("\x1b[H\n").startswith(f"Step {STEP.number}")
        assert len(shown.rstrip("\n").splitlines()) <= 23
