"""A run that is disturbed: two graders, a full disk, damaged files, missing shards, odd names."""

import csv
import errno
import json
import os
import shutil
import subprocess
import sys
import time
import unicodedata
from contextlib import contextmanager
from dataclasses import replace

import pytest

import kata.grade.run as runs
from kata.course.files import find_root
from kata.course.steps import step_by_number
from kata.grade.intake import ClassFolder, Left, Submission
from kata.grade.judge import Judge
from kata.grade.merge import merge_runs
from kata.grade.output import OutputError, claimed
from kata.grade.results import GradingRun, load_results, result_path, slug
from kata.grade.run import GradeRequest, GradingError, grade_class

from .conftest import run_kata

ROOT = find_root()
STEP = step_by_number(3)


class QuickJudge:
    """Stands for sandboxes and a judge: who hands in step 3 has 1 point; it counts its work."""

    def __init__(self):
        self.graded, self.failing = [], {}

    @contextmanager
    def pool(self, root, settings, key):
        yield [], lambda todo: (self.grade(source.read(), key) for source in todo)

    def grade(self, submission: Submission, key):
        self.graded.append(submission.name)
        if self.failing.get(submission.name, 0) > 0:
            self.failing[submission.name] -= 1
            return Judge.failed(submission, "", "OSError: a bad day")
        blank = Judge.failed(submission, key(submission), "")
        return replace(blank, points=float(3 in submission.files), late=submission.late)


@pytest.fixture
def quick(monkeypatch):
    """A judge that answers at once."""
    judge = QuickJudge()
    monkeypatch.setattr(runs, "local_pool", judge.pool)
    return judge


@pytest.fixture
def folder(tmp_path):
    """A class of six."""
    return a_class(tmp_path / "class", [f"member{i}" for i in range(6)])


def a_class(folder, names):
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / STEP.file).write_text(f"# {slug(name)}\n", encoding="utf-8")
    return folder


def graded(folder, out, **wishes):
    said = []
    request = GradeRequest(folder, out, **{"seed": None, **wishes})
    summary = grade_class(ROOT, request, lambda *_: None, lambda *_: None, said.append)
    return summary, said


def rows(out):
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


@pytest.fixture
def shards(quick, folder, tmp_path):
    """Three shards of that class, all complete."""
    outs = [tmp_path / f"shard{i}" for i in (1, 2, 3)]
    for i, out in enumerate(outs, start=1):
        graded(folder, out, seed=1, shard=(i, 3))
    return outs


def test_complete_shards_are_merged(shards, tmp_path):
    """Everybody is there, once, in order."""
    summary = merge_runs(shards, tmp_path / "all")
    assert list(rows(tmp_path / "all")) == [f"member{i}" for i in range(6)]
    assert summary.run.shard == ""


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda s: s.pop(1), "Of 3 shards 2 is missing"),
        (lambda s: s.append(s[0]), "more than one"),
        (lambda s: result_path(s[1], "member1").unlink(), "1 of 2 submissions are not graded"),
        (lambda s: result_path(s[1], "member1").write_text("{"), "not graded (member1)"),
        (lambda s: shutil.rmtree(s[2] / "results"), "2 of 2 submissions are not graded"),
        (lambda s: (s[2] / "run.json").write_text("{}"), "holds no run"),
    ],
)
def test_what_is_incomplete_is_not_merged(shards, tmp_path, spoil, words):
    """One sentence says what is missing, and nothing is written."""
    spoil(shards)
    with pytest.raises(GradingError) as caught:
        merge_runs(shards, tmp_path / "all")
    assert words in str(caught.value)
    assert not (tmp_path / "all").exists()


def test_an_interrupted_shard_is_not_merged(shards, quick, folder, tmp_path, monkeypatch):
    """It has a run, and not all of its results."""
    shutil.rmtree(shards[0])
    monkeypatch.setattr(runs.results, "save_result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        graded(folder, shards[0], seed=1, shard=(1, 3))
    with pytest.raises(GradingError, match=r"2 of 2 submissions are not graded .*--resume"):
        merge_runs(shards, tmp_path / "all")


def interrupted(*_):
    raise KeyboardInterrupt


def test_shards_of_other_classes_are_not_merged(shards, quick, folder, tmp_path):
    """One came after somebody else had handed in; one is of another division."""
    a_class(folder, ["zoe"])
    shutil.rmtree(shards[2])
    graded(folder, shards[2], seed=1, shard=(3, 3))
    with pytest.raises(GradingError, match="different classes"):
        merge_runs(shards, tmp_path / "all")
    other = tmp_path / "half"
    shutil.rmtree(folder / "zoe")
    graded(folder, other, seed=1, shard=(1, 2))
    with pytest.raises(GradingError, match="not parts of one division"):
        merge_runs([*shards[:2], other], tmp_path / "all")


def test_a_change_of_the_course_makes_no_mixed_table(quick, folder, tmp_path, monkeypatch):
    """--only refuses; --resume says so and grades everybody again."""
    out = tmp_path / "out"
    graded(folder, out, seed=1)
    before = rows(out)
    monkeypatch.setattr(runs, "course_hash", lambda root: "another course")
    with pytest.raises(GradingError, match=r"another version of the course.*--resume"):
        graded(folder, out, only="member1")
    assert rows(out) == before
    quick.graded.clear()
    summary, said = graded(folder, out, resume=True)
    assert (summary.graded, summary.kept, len(quick.graded)) == (6, 0, 6)
    assert said == ["The course has changed since: everybody is graded again."]


def test_a_run_that_stopped_after_the_course_changed_does_not_count_the_old_grades(
    quick, folder, tmp_path, monkeypatch
):
    """Those who are not graded by the new course say so in the table."""
    out = tmp_path / "out"
    graded(folder, out, seed=1)
    monkeypatch.setattr(runs, "course_hash", lambda root: "another course")
    with monkeypatch.context() as stopped:
        stopped.setattr(runs.results, "save_result", interrupted)
        with pytest.raises(KeyboardInterrupt):
            graded(folder, out, resume=True)
    graded(folder, out, only="member1")
    status = {name: row["status"] for name, row in rows(out).items()}
    assert status.pop("member1") == "graded"
    assert set(status.values()) == {"not_graded"}
    assert {row["points"] for row in rows(out).values()} == {"1", ""}


def test_a_result_of_another_seed_does_not_count(quick, folder, tmp_path):
    """Not even if its file was copied there."""
    for seed in (1, 2):
        graded(folder, tmp_path / f"out{seed}", seed=seed)
    shutil.copytree(
        tmp_path / "out1" / "results", tmp_path / "out2" / "results", dirs_exist_ok=True
    )
    quick.graded.clear()
    graded(folder, tmp_path / "out2", resume=True)
    assert len(quick.graded) == 6


DAMAGE = {
    "cut": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "null": lambda text: "null",
    "list": lambda text: "[]",
    "another type": lambda text: text.replace('"points": 1.0', '"points": "many"'),
    "other points": lambda text: text.replace('"points": 1.0', '"points": 100.0'),
    "nested": lambda text: "[" * 100_000,
    "long number": lambda text: text.replace('"points": 1.0', f'"points": {"9" * 5000}'),
    "bytes": lambda text: b"\xff\xfe\x00",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_result_is_graded_again(quick, folder, tmp_path, kind):
    """It alone; the table is the same."""
    out = tmp_path / "out"
    graded(folder, out, seed=1)
    before = (out / "grades.csv").read_bytes()
    path = result_path(out, "member3")
    damaged = DAMAGE[kind](path.read_text(encoding="utf-8"))
    path.write_bytes(damaged if isinstance(damaged, bytes) else damaged.encode())
    assert "member3" not in load_results(out)
    quick.graded.clear()
    graded(folder, out, resume=True)
    assert quick.graded == ["member3"]
    assert (out / "grades.csv").read_bytes() == before


def test_a_copy_of_a_result_does_not_replace_it(quick, folder, tmp_path):
    """As folders that are kept in a cloud make them."""
    out = tmp_path / "out"
    graded(folder, out, seed=1)
    path = result_path(out, "member3")
    data = json.loads(path.read_text(encoding="utf-8"))
    shutil.copy(path, path.with_name("member3 (conflicted copy).json"))
    assert load_results(out)["member3"].key == data["key"]
    assert len(load_results(out)) == 6


def test_a_failure_is_tried_once_more_at_the_end(quick, folder, tmp_path):
    """One that passes by leaves no trace; one that stays is recorded, and not as a grade."""
    quick.failing = {"member1": 1, "member2": 2}
    summary, _ = graded(folder, tmp_path / "out", seed=1)
    assert quick.graded == [*(f"member{i}" for i in range(6)), "member1", "member2"]
    assert [r.name for r in summary.failed] == ["member2"]
    found = {name: (row["status"], row["points"]) for name, row in rows(tmp_path / "out").items()}
    assert found["member1"] == ("graded", "1")
    assert found["member2"] == ("grader_error", "")
    quick.graded.clear()
    graded(folder, tmp_path / "out", resume=True)
    assert quick.graded == ["member2"]


def test_one_grader_a_folder(quick, folder, tmp_path):
    """A second one says so and changes nothing; when the first one has died, it does not block."""
    out = tmp_path / "out"
    code = "import sys, time; from pathlib import Path; from kata.grade.output import claimed\n"
    code += "with claimed(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(out)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match=r"Another grader is at work .*--out"):
            graded(folder, out, seed=1)
        run = run_kata(ROOT, "grade", str(folder), "--out", str(out))
        assert (run.returncode, len(run.stderr.strip().splitlines())) == (2, 1), run.stderr
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    summary, _ = graded(folder, out, seed=1)
    assert summary.graded == 6


def test_a_folder_in_which_nothing_was_written_is_not_left_behind(tmp_path):
    """Nor its parents, if they were made for it."""
    with claimed(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
@pytest.mark.parametrize("after", [0, 3, 9])
def test_a_full_disk_is_a_sentence_and_nothing_is_lost(
    quick, folder, tmp_path, monkeypatch, number, after
):
    """Whenever it happens; the run goes on with --resume, and grades nobody twice."""
    import kata.grade.output as output

    out, honest, written = tmp_path / "out", output.write_atomic, []

    def full(path, content, durable=False):
        if len(written) >= after:
            raise OSError(number, os.strerror(number))
        written.append(path)
        honest(path, content, durable)

    monkeypatch.setattr(output, "write_atomic", full)
    with pytest.raises(OutputError) as caught:
        graded(folder, out, seed=1)
    assert os.strerror(number) in str(caught.value)
    assert "--resume" in str(caught.value)
    assert "\n" not in str(caught.value)
    monkeypatch.setattr(output, "write_atomic", honest)
    kept = max(0, min(after - 1, 6))
    summary, _ = graded(folder, out, seed=1, resume=True)
    assert (summary.graded, summary.kept) == (6 - kept, kept)
    assert len(rows(out)) == 6


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a POSIX system")
def test_a_folder_that_cannot_be_made_is_a_sentence(folder, tmp_path):
    """Exit code 2, no stack trace."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    for out in (tmp_path / "file" / "out", "/proc/1/out"):
        run = run_kata(ROOT, "grade", str(folder), "--out", str(out))
        assert (run.returncode, "Traceback" in run.stderr) == (2, False), run.stderr
        assert len(run.stderr.strip().splitlines()) == 1


def in_form(form, text):
    return unicodedata.normalize(form, text)


@pytest.mark.parametrize(("there", "asked"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFD", "NFD")])
def test_a_name_is_found_however_its_accents_are_written(quick, tmp_path, there, asked):
    """And stays in the table as it was handed in."""
    name = in_form(there, "José Ñandú")
    folder = a_class(tmp_path / "class", [name, "Student Two"])
    graded(folder, tmp_path / "out", seed=1)
    quick.graded.clear()
    graded(folder, tmp_path / "out", only=in_form(asked, "José Ñandú"))
    assert quick.graded == [name]
    assert set(rows(tmp_path / "out")) == {name, "Student Two"}


@pytest.fixture
def any_class(monkeypatch, tmp_path):
    """Let `kata grade` see a class that the test made up."""

    def see(*sources, left=(), platform="folders"):
        monkeypatch.setattr(
            runs, "read_class", lambda *_: ClassFolder(platform, tuple(sources), tuple(left))
        )
        (tmp_path / "class").mkdir(exist_ok=True)
        return tmp_path / "class"

    return see


class Given:
    """A source that is in memory."""

    def __init__(self, name, person="", identifier="", late=False, notes=()):
        self.name, self.person, self.identifier, self.late = name, person, identifier, late
        self.notes = tuple(notes)

    def read(self):
        return Submission(
            self.name,
            {3: b"#"},
            late=self.late,
            person=self.person,
            identifier=self.identifier,
            notes=self.notes,
        )


def test_only_takes_what_the_table_shows_the_person_and_the_identifier(quick, any_class, tmp_path):
    """The exact name first; a name that means two people is refused."""
    folder = any_class(
        Given("=formula"), Given("ann"), Given("Jo\u0301"), Given("Jó"), Given("x 12", "Bo", "12")
    )
    out = tmp_path / "out"
    graded(folder, out, seed=1)
    for asked, name in [
        ("'=formula", "=formula"), ("12", "x 12"), ("Bo", "x 12"), ("Jó", "Jó"), ("ann", "ann")
    ]:  # fmt: skip
        quick.graded.clear()
        graded(folder, out, only=asked)
        assert quick.graded == [name]
    any_class(Given("a", "Bo", "1"), Given("b", "Bo", "2"))
    with pytest.raises(runs.IntakeError, match="means more than one submission"):
        graded(folder, out, only="Bo")


def test_one_submission_of_a_class_that_is_not_graded(quick, folder, tmp_path):
    """The others stand in the table, without points; nothing needs anybody."""
    summary, _ = graded(folder, tmp_path / "out", only="member1")
    assert {row["status"] for row in rows(tmp_path / "out").values()} == {"graded", "not_graded"}
    assert (len(rows(tmp_path / "out")), summary.failed) == (6, [])
    assert not (tmp_path / "out" / "feedback" / "member2.html").exists()


ODD = [
    "ann", "Ann", "ANN", "jose\u0301", "jos\u00e9", "JOSE\u0301", "\u00e9" * 127, "\u00c9" * 127, "e\u0301" * 85,
    "a" * 255, "A" * 255, "con", "CON", "..", "<b>", "\x1b[31m", "\udcff", "[red]", "2026-99-99", " ",
    slug("Ann"), slug("jos\u00e9"), slug("ANN").upper(),
]  # fmt: skip


def test_odd_names_overwrite_nothing(quick, any_class, tmp_path):
    """Names of 255 bytes, or that differ in case or accents only, even where a file system takes
    them for one.
    """
    folder = any_class(*map(Given, ODD))
    graded(folder, tmp_path / "out", seed=1)
    for kind, suffix in (("results", "json"), ("feedback", "html"), ("gradescope", "json")):
        names = [p.name for p in (tmp_path / "out" / kind).glob(f"*.{suffix}")]
        assert len({unicodedata.normalize("NFKD", n).casefold() for n in names}) == len(ODD)
        assert max(len(n.encode()) for n in names) < 100
    assert len(load_results(tmp_path / "out")) == len(rows(tmp_path / "out")) == len(ODD)


def test_three_thousand_entries(quick, any_class, tmp_path, monkeypatch):
    """All of them in the table, once; and as many that were not taken."""
    import kata.grade.output as output

    honest = output.write_atomic
    monkeypatch.setattr(output, "write_atomic", lambda path, data, durable: honest(path, data))
    everyone = [Given(f"person {i}") for i in range(3000)]
    folder = any_class(*everyone, left=[Left(f"stray {i}", "no step") for i in range(3000)])
    started = time.monotonic()
    summary, _ = graded(folder, tmp_path / "out", seed=1)
    assert time.monotonic() - started < 120
    assert len(rows(tmp_path / "out")) == len(set(quick.graded)) == len(quick.graded) == 3000
    assert len(summary.run.left) == 3000
    assert GradingRun.read(tmp_path / "out") == summary.run


def test_what_was_not_taken_stands_everywhere(any_class, quick, tmp_path, capsys):
    """In the report, on the console by its name up to some number, and in the exit code."""
    from rich.console import Console

    from kata.grade.console import MOST_NAMED, show_what_needs_you

    left = [Left(f"stray{i:02d}.txt\x1b[2J", "it holds no step") for i in range(MOST_NAMED + 5)]
    folder = any_class(Given("ann"), left=left)
    summary, _ = graded(folder, tmp_path / "out", seed=1)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Seen and not taken" in page
    assert "stray24.txt\\x1b[2J" in page
    assert show_what_needs_you(summary, tmp_path / "out", Console(file=sys.stdout))
    shown = capsys.readouterr().out
    assert "stray00.txt\\x1b[2J: it holds no step" in shown
    assert "stray20" not in shown
    assert "and 5 more" in shown
    any_class(Given("ann"))
    summary, _ = graded(folder, tmp_path / "out", resume=True)
    assert not show_what_needs_you(summary, tmp_path / "out", Console(file=sys.stdout))


def test_a_platform_that_is_not_known_is_refused(folder, tmp_path):
    """With those that are."""
    run = run_kata(ROOT, "grade", str(folder), "--out", str(tmp_path / "out"), "--from", "pigeon")
    assert (run.returncode, "canvas, moodle" in run.stderr) == (2, True)
    assert not (tmp_path / "out").exists()


def test_a_source_that_cannot_be_read_is_the_graders_failure_and_stops_nobody(
    any_class, tmp_path, monkeypatch
):
    """Whatever is raised while it is read."""
    from contextlib import nullcontext

    import kata.grade.pool as pools

    class Broken(Given):
        def read(self):
            raise MemoryError

    class Boxes:
        workers = 1

    monkeypatch.setattr(pools, "Sandboxes", lambda *_: nullcontext(Boxes()))
    monkeypatch.setattr(pools, "try_layers", lambda *_: [])
    judge = QuickJudge()
    monkeypatch.setattr(Judge, "__init__", lambda *_: None)
    monkeypatch.setattr(Judge, "grade", lambda self, s, key: judge.grade(s, lambda _: key))
    folder = any_class(Given("ann", "Ann Roe", "7", True, ["two files"]), Broken("broken"))
    graded(folder, tmp_path / "out", seed=1)
    found = rows(tmp_path / "out")
    assert {name: row["status"] for name, row in found.items()} == {
        "ann": "graded",
        "broken": "grader_error",
    }
    ann = found["ann"]
    assert (ann["person"], ann["identifier"], ann["late"]) == ("Ann Roe", "7", "yes")
    assert ann["look"] == "two files"
