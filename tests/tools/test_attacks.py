"""The corpus of attacks: none earns points, none outlives its job, none changes anything, none
harms the next.
"""

import json
import os
import runpy
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from kata.course.files import find_root
from kata.course.steps import step_by_number
from kata.grade.results import slug
from kata.grade.run import GradeRequest, grade_class
from kata.grade.sandbox.isolation import Limits
from kata.grade.sandbox.layers import DISPENSABLE

CORPUS = runpy.run_path(str(Path(__file__).with_name("attacks.py")))
KERNEL = runpy.run_path(str(Path(__file__).with_name("attacks_kernel.py")))
ATTACKS, text_of = CORPUS["ATTACKS"], CORPUS["text_of"]
STRICT_ONLY = {**CORPUS["STRICT_ONLY"], **KERNEL["ALONE"]}
PARTNERS = {
    f"{name}, {part}": text
    for name, pair in KERNEL["PARTNERS"].items()
    for part, text in zip(("first", "second"), pair, strict=True)
}
ROOT = find_root()
STEP = step_by_number(3)
LIMITS = Limits(cpu=3, wall=10, memory=1 << 30)
ATTACKED_IN = {
    "strict": {**ATTACKS, **STRICT_ONLY},
    "process": ATTACKS,
}


def processes_named(word):
    """The command lines that hold a word; a fresh Linux may have no `ps`."""
    if os.path.isdir("/proc/self"):
        lines = [_command_line(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
    else:
        run = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
        lines = run.stdout.splitlines()
    return [line for line in lines if word in line]


def _command_line(path):
    try:
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:  # it has ended
        return ""


def devices():
    """The mode, the owner and the times of the machine's device nodes."""
    found = (Path("/dev", name) for name in ("null", "zero", "full", "random", "urandom"))
    states = {path: path.stat() for path in found if path.exists()}
    return {p: (s.st_mode, s.st_uid, s.st_mtime) for p, s in states.items()}


class Attacked:
    """A class of attacks with honest work between them, graded in their order or backwards."""

    def __init__(self, folder, isolation, attacks, backwards=False):
        self.folder, self.outside, self.connections = folder, folder / "outside", 0
        self.outside.mkdir(parents=True)
        (self.outside / "kept").write_text("kept", encoding="utf-8")
        server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, args=(server,), daemon=True).start()
        solution = (ROOT / "solutions" / STEP.file).read_bytes()
        texts = {}
        for i, (name, text) in enumerate(attacks.items()):
            texts[name] = text_of(text, str(self.outside), server.getsockname()[1])
            if i % 6 == 0:
                texts[f"honest_{i:02d}"] = solution
        self.places = {}
        for i, name in enumerate(reversed(texts) if backwards else texts):
            self.places[name] = f"{i:03d} {name}"
            self._hand_in(self.places[name], texts[name])
        self.before, self.devices = self._submissions(), devices()
        request = GradeRequest(
            folder / "class", folder / "out", isolation, workers=2, limits=LIMITS
        )
        started = time.monotonic()
        self.summary = grade_class(ROOT, request, lambda *_: None, lambda *_: None)
        self.seconds = time.monotonic() - started
        server.close()
        by_place = {r.name: r for r in self.summary.results}
        self.results = {name: by_place[place] for name, place in self.places.items()}
        self.layers = {layer["name"]: layer["holds"] for layer in self.summary.run.layers}

    def _serve(self, server):
        while True:
            try:
                server.accept()
            except OSError:
                return
            self.connections += 1

    def _hand_in(self, name, text):
        folder = self.folder / "class" / name
        folder.mkdir(parents=True)
        (folder / STEP.file).write_bytes(text)
        for extra in ("conftest.py", "sitecustomize.py", "torch.py", "numpy.py", "kata.py"):
            (folder / extra).write_text(f"open({str(self.outside / extra)!r}, 'w')\n")
        (folder / "pytest.ini").write_text("[pytest]\naddopts = -k nothing\n")

    def _submissions(self):
        return {
            str(p): p.read_bytes()
            for p in sorted((self.folder / "class").rglob("*"))
            if p.is_file()
        }

    def read(self, name, folder, ending):
        """A file of the results."""
        file = slug(self.places[name]) + ending
        return (self.folder / "out" / folder / file).read_text(encoding="utf-8")

    def points(self):
        """What each submission earned, but for those at which the grader failed."""
        return {n: r.points for n, r in self.results.items() if not r.error}

    def step(self, name):
        return next(s for s in self.results[name].steps if s.step == STEP.number)


@pytest.fixture(scope="module")
def attacked(isolation, tmp_path_factory):
    return Attacked(tmp_path_factory.mktemp(isolation), isolation, ATTACKED_IN[isolation])


def test_no_attack_earns_a_point(attacked):
    """Every step of every attack is 0, or was not graded for a reason that is told."""
    earned = {n: attacked.step(n).points for n in ATTACKS if not attacked.results[n].error}
    assert not {n: p for n, p in earned.items() if p}
    if attacked.summary.run.isolation == "strict":
        assert not [n for n in STRICT_ONLY if attacked.step(n).points]


def test_attacks_get_a_reason_and_none_is_the_graders_error(attacked):
    """A sentence for each; only where processes can end their parent, one that does is no grade."""
    errors = {n for n, r in attacked.results.items() if r.error}
    if attacked.summary.run.isolation == "strict":
        assert not errors
    else:
        assert errors <= {"kills_its_parent"}
    assert all(
        attacked.step(n).reason for n in attacked.results if n not in errors and "honest" not in n
    )


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("loops_at_import", "time limit"),
        ("loops_in_a_call", "time limit"),
        ("sleeps", "time limit"),
        ("prints_without_end", "printed without end"),
        ("answers_without_end", "too large"),
        ("exit_at_import", "ended"),
        ("syntax_error", "line 1: syntax error"),
        ("not_installed", "No module named 'tensorflow_of_1999'"),
        ("imports_the_rules", "No module named 'kata.criteria.rules'"),
        ("imports_the_verdicts", "No module named 'kata.criteria.verdicts'"),
        ("imports_the_judge", "No module named 'kata.grade.judge'"),
        ("sys_exit_at_import", "SystemExit"),
    ],
)
def test_reasons_name_the_limit(attacked, name, word):
    """In words that a learner can act on."""
    assert word in attacked.step(name).reason


@pytest.mark.parametrize("name", ["forks_without_end", "takes_memory_in_children"])
def test_processes_without_end_are_ended(attacked, name):
    """By the memory or the number of them; or the system refuses one more, which is an error."""
    limits = ("memory", "processes", "time limit", "ended", "BlockingIOError")
    assert any(w in attacked.step(name).reason for w in limits)


def test_honest_work_between_the_attacks_is_graded_as_usual(attacked):
    """Full marks, for each."""
    honest = [n for n in attacked.results if n.startswith("honest")]
    assert len(honest) >= 8
    assert all(attacked.step(n).points == STEP.points for n in honest)


def test_nothing_is_left_and_nothing_changed(attacked):
    """No process, no file outside, no submission, no connection."""
    if attacked.summary.run.isolation == "strict":
        assert attacked.connections == 0
    assert not processes_named("kata-attack-daemon")
    assert [p.name for p in attacked.outside.iterdir()] == ["kept"]
    assert attacked._submissions() == attacked.before
    assert not (ROOT / "written").exists()
    assert attacked.devices == devices()
    assert not list(Path("/sys/fs/cgroup").rglob(f"kata-{os.getpid()}-*"))


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["strict"], indirect=True, scope="session")
def test_the_order_changes_no_grade(isolation, attacked, tmp_path):
    """The same class backwards, under another seed: who comes before or beside whom changes
    nothing.
    """
    again = Attacked(tmp_path, isolation, ATTACKED_IN[isolation], backwards=True)
    assert {**again.points(), **attacked.points()} == {**attacked.points(), **again.points()}
    assert len(again.points()) >= len(again.results) - 1


def test_partners_cannot_meet(needs_bubblewrap, tmp_path):
    """Two submissions are graded at the same time: what one does to the kernel, the other does not
    notice; the honest ones get full marks.
    """
    partners = Attacked(tmp_path, "strict", PARTNERS)
    assert not [n for n, points in partners.points().items() if points and "honest" not in n]
    assert {p for n, p in partners.points().items() if "honest" in n} == {STEP.points}
    assert len(partners.points()) == len(partners.results)
    assert partners.devices == devices()


def test_what_is_not_prevented_is_said_in_every_report(attacked):
    """Nothing is left unprevented under strict; under process, the pages, the JSON and the table
    say so.
    """
    out = attacked.folder / "out"
    page = (out / "report.html").read_text(encoding="utf-8")
    feedback = attacked.read("sleeps", "feedback", ".html")
    data = json.loads(attacked.read("sleeps", "results", ".json"))
    scope = json.loads(attacked.read("sleeps", "gradescope", ".json"))
    if attacked.summary.run.isolation == "strict":
        assert all(holds for name, holds in attacked.layers.items() if name not in DISPENSABLE)
        assert len(data["not_prevented"]) <= len(DISPENSABLE)
    else:
        assert not attacked.layers["secrets"]
        assert not attacked.layers["outside"]
        for words in data["not_prevented"]:
            assert all(words in text for text in (page, feedback, scope["output"]))
        assert "see report.html" in (out / "grades.csv").read_text(encoding="utf-8")


def test_pages_hold_no_markup_of_a_submission(attacked):
    """What a submission says is text."""
    page = attacked.read("long_message", "feedback", ".html")
    assert "<script>" not in page
    assert "\x1b" not in page
    assert len(page) < 300_000


def test_there_are_enough_of_them():
    """More than a hundred, and each one is another."""
    texts = [*ATTACKS.values(), *STRICT_ONLY.values(), *PARTNERS.values()]
    assert len(set(texts)) == len(texts) > 100
