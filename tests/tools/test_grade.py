"""`kata grade` from end to end: the same grade every time, nothing lost, nothing twice, a
sentence for bad input.
"""

import ast
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace

import pytest

from kata.course.files import find_root
from kata.course.loader import joined_text
from kata.course.steps import GRADED_STEPS, step_by_number
from kata.course.variants import all_mistakes, variants
from kata.criteria.verdicts import Verdict, Words
from kata.grade.intake import Submission
from kata.grade.judge import Judge, share
from kata.grade.keys import course_hash
from kata.grade.merge import merge_runs
from kata.grade.results import SCHEMA, load_results, slug
from kata.grade.run import GradeRequest, GradingError, grade_class, read_shard
from kata.grade.sandbox.client import SandboxError, Sandboxes
from kata.grade.similarity import fingerprint, similarity

from .conftest import lacking_for_strict

ROOT = find_root()
ISOLATION = "process" if lacking_for_strict() else "strict"
QUICK = (1, 2, 3, 10)
"""Steps whose criteria take little time."""


def solution(number):
    return (ROOT / "solutions" / step_by_number(number).file).read_bytes()


def stub(number):
    return (ROOT / "exercises" / step_by_number(number).file).read_bytes()


def mistaken(name):
    number = int(name[4:6])
    path = ROOT / "tests" / "mistakes" / f"{name}.py"
    return joined_text((ROOT / "solutions" / step_by_number(number).file, path)).encode()


def hand_in(folder, files):
    folder.mkdir(parents=True)
    for number, text in files.items():
        (folder / step_by_number(number).file).write_bytes(text)


def graded(folder, out, **wishes):
    request = GradeRequest(folder, out, ISOLATION, **wishes)
    return grade_class(ROOT, request, lambda *_: None, lambda *_: None)


def kata(*arguments):
    command = [sys.executable, "-m", "kata", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def rows(out):
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def class_of_eight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class") / "class"
    hand_in(folder / "all right", {n: solution(n) for n in QUICK})
    hand_in(folder / "stubs", {n: stub(n) for n in QUICK})
    hand_in(folder / "=one missing", {n: solution(n) for n in QUICK[:-1]})
    hand_in(folder / "mistaken", {1: solution(1), 3: mistaken("step03/scale_from_conditional")})
    other = variants(ROOT, "alternatives", step_by_number(3))[0]
    text = joined_text((ROOT / "solutions" / step_by_number(3).file, other)).encode()
    hand_in(folder / "otherwise", {3: text})
    hand_in(folder / "broken", {1: b"def f(:", 2: solution(2)})
    hand_in(folder / "nothing", {})
    with zipfile.ZipFile(folder / "zipped.zip", "w") as archive:
        archive.writestr(f"home/exercises/{step_by_number(3).file}", solution(3))
    return folder


@pytest.fixture(scope="module")
def run(class_of_eight, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "out"
    summary = graded(class_of_eight, out, seed=5)
    assert {r.name: r.error for r in summary.results if r.error} == {}
    return summary, out


def test_points_are_what_was_earned(run):
    """Full marks for what is right, 0 for stubs and what is missing, a reason for every lost
    point.
    """
    summary, out = run
    full = sum(step_by_number(n).points for n in QUICK)
    points = {r.name: r.points for r in summary.results}
    assert points["all right"] == full
    assert points["=one missing"] == full - step_by_number(10).points
    assert points["otherwise"] == points["zipped"] == step_by_number(3).points
    assert points["broken"] == step_by_number(2).points
    assert points["stubs"] == points["nothing"] == 0
    assert (
        step_by_number(1).points
        <= points["mistaken"]
        < step_by_number(1).points + step_by_number(3).points
    )
    for result in summary.results:
        for s in result.steps:
            assert (s.points == s.out_of) == (not s.reason)
            assert s.assembled == s.points
    assert {name.lstrip("'") for name in rows(out)} == points.keys()
    assert "'=one missing" in rows(out)


def test_feedback_is_in_the_learners_words(run):
    """The property that fails, the diagnosis, the place of a syntax error; and no seed, no other
    name.
    """
    summary, out = run
    page = (out / "feedback" / "mistaken.html").read_text(encoding="utf-8")
    mistake = next(m for m in all_mistakes(ROOT) if m.name == "step03/scale_from_conditional")
    assert mistake.diagnosis.split(":")[0] in page
    broken = next(r for r in summary.results if r.name == "broken").steps[0]
    assert "line 1: syntax error" in broken.reason
    missing = next(r for r in summary.results if r.name == "nothing").steps[3]
    assert missing.reason == f"no {step_by_number(4).file} was handed in"
    stubs = next(r for r in summary.results if r.name == "stubs").steps[0]
    assert stubs.reason == "it is not written yet"
    for other in (r.name for r in summary.results if r.name != "mistaken"):
        assert f">{other}<" not in page
    assert f"seed {summary.run.seed}" not in page.lower()


def test_results_are_as_the_schema_says(run):
    """Every field is there, of its type, and none besides."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for path in (run[1] / "results").glob("*.json"):
        check(json.loads(path.read_text(encoding="utf-8")), schema)


def check(value, schema):
    """The part of JSON Schema that ours uses."""
    kinds = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int}
    if "type" in schema:
        kind = bool if schema["type"] == "boolean" else kinds[schema["type"]]
        assert isinstance(value, kind), (value, schema)
    assert "const" not in schema or value == schema["const"]
    assert value in schema.get("enum", [value])
    assert "minimum" not in schema or schema["minimum"] <= value <= schema.get("maximum", value)
    if isinstance(value, dict):
        assert set(schema["required"]) == value.keys() == schema["properties"].keys()
        for name, inner in schema["properties"].items():
            check(value[name], inner)
    if isinstance(value, list):
        for item in value:
            check(item, schema["items"])


def test_gradescope_gets_what_it_reads(run):
    """A test a step, whose scores add up."""
    data = json.loads((run[1] / "gradescope" / "mistaken.json").read_text(encoding="utf-8"))
    assert data["score"] == pytest.approx(sum(t["score"] for t in data["tests"]))
    assert [t["number"] for t in data["tests"]] == [str(s.number) for s in GRADED_STEPS]
    assert all(t["score"] <= t["max_score"] and t["output"] for t in data["tests"])


def test_going_on_and_grading_again_change_nothing_but_what_changed(run, class_of_eight, tmp_path):
    """--resume grades what is new or changed; --only gives the same grade; the seed is kept."""
    summary, first = run
    out, folder = tmp_path / "out", tmp_path / "class"
    shutil.copytree(first, out)
    shutil.copytree(class_of_eight, folder)
    before = rows(out)
    again = graded(folder, out, only="mistaken")
    assert (again.graded, again.run.seed) == (1, summary.run.seed)
    assert rows(out) == before
    (folder / "broken" / step_by_number(1).file).write_bytes(solution(1))
    shutil.rmtree(folder / "stubs")
    more = graded(folder, out, resume=True)
    assert (more.graded, more.kept) == (1, 6)
    after = rows(out)
    assert float(after["broken"]["points"]) == step_by_number(1).points + step_by_number(2).points
    assert before.keys() - after.keys() == {"stubs"}
    for wishes in ({}, {"resume": True, "seed": 6}, {"resume": True, "shard": (1, 2)}):
        with pytest.raises(GradingError):
            graded(folder, out, **wishes)
    assert rows(out) == after


def test_answers_seen_before_are_worth_nothing(tmp_path):
    """What one run's inputs were answered with is wrong on the next run's."""
    learned = "import hashlib, torch\nTABLE = {}\ndef guide(u, c, w):\n    return TABLE.get(u.sum().item(), u * 0)\n"
    asked = []

    class Recorder:
        @staticmethod
        def guide(u, c, w):
            result = u + w * (c - u)
            asked.append((u.sum().item(), result))
            return result

    from kata.criteria.questions import ask
    from kata.grade.judge import seed_of_step

    ask(Recorder, step_by_number(3), seed_of_step(5, step_by_number(3)))
    numbers = [(k, v) for k, v in asked if isinstance(k, float) and v.dtype.is_floating_point]
    table = {k: v.tolist() for k, v in numbers if v.device.type == "cpu"}
    learned = learned.replace(
        "TABLE = {}", f"TABLE = {{k: torch.tensor(v) for k, v in {table!r}.items()}}"
    )
    hand_in(tmp_path / "class" / "learned", {3: learned.replace("nan", "0.0").encode()})
    points = graded(tmp_path / "class", tmp_path / "b", seed=6).results[0].points
    assert points == 0


def test_a_failure_of_the_graders_own_is_no_zero(class_of_eight, tmp_path, monkeypatch):
    """It has no points, is told, and is graded when the run goes on."""
    honest = Sandboxes.run

    def fails(self, job, seed):
        if job.inspection is None and f"exercises/{step_by_number(10).file}" in job.files:
            raise SandboxError("the sandbox ended by itself")
        return honest(self, job, seed)

    folder, out = tmp_path / "class", tmp_path / "out"
    for name in ("all right", "nothing"):
        shutil.copytree(class_of_eight / name, folder / name)
    monkeypatch.setattr(Sandboxes, "run", fails)
    summary = graded(folder, out)
    assert [r.status for r in summary.results] == ["grader_error", "graded"]
    assert rows(out)["all right"]["points"] == ""
    assert "grader error" in (out / "report.html").read_text(encoding="utf-8")
    monkeypatch.setattr(Sandboxes, "run", honest)
    summary = graded(folder, out, resume=True)
    assert (summary.graded, summary.kept) == (1, 1)
    assert float(rows(out)["all right"]["points"]) == sum(step_by_number(n).points for n in QUICK)


@pytest.mark.slow
def test_shards_and_a_cluster_give_the_grades_of_one_run(run, class_of_eight, tmp_path):
    """Four shards, merged, and two workers of a Dask cluster."""
    expected = rows(run[1])
    for i in range(1, 5):
        graded(class_of_eight, tmp_path / f"shard{i}", seed=5, shard=(i, 4), workers=1)
    merge_runs([tmp_path / f"shard{i}" for i in range(1, 5)], tmp_path / "merged")
    assert rows(tmp_path / "merged") == expected
    with pytest.raises(GradingError, match="more than one"):
        merge_runs([tmp_path / "shard1", tmp_path / "shard1"], tmp_path / "twice")
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        graded(
            class_of_eight,
            tmp_path / "cluster",
            seed=5,
            workers=1,
            cluster=cluster.scheduler_address,
        )
    assert rows(tmp_path / "cluster") == expected


@pytest.mark.slow
def test_a_cluster_whose_workers_come_and_go(run, class_of_eight, tmp_path):
    """Without a worker the run says so and waits; one that is killed in its work is replaced, and
    the grades are those of one run.
    """
    from distributed import LocalCluster

    said, done, workers = [], [], []

    def start():
        command = [sys.executable, "-m", "distributed.cli.dask_worker", address]
        command += ["--no-nanny", "--nthreads", "1", "--local-directory", str(tmp_path / "dask")]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        workers.append(subprocess.Popen(command, cwd=ROOT, **quiet))

    def wait_for(happened, seconds):
        until = time.monotonic() + seconds
        while not happened() and grading.is_alive():
            assert time.monotonic() < until, (said, done)
            time.sleep(0.05)

    def grade():
        request = GradeRequest(class_of_eight, tmp_path / "out", ISOLATION, 5, workers=1)
        request = replace(request, cluster=address)
        grade_class(ROOT, request, lambda *_: None, lambda r, _: done.append(r.name), said.append)

    with LocalCluster(n_workers=0, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        grading = threading.Thread(target=grade, daemon=True)
        grading.start()
        try:
            wait_for(lambda: len(said) == 1, 30)
            assert "has no worker; the run goes on when one comes" in said[0]
            start()
            wait_for(lambda: len(done) >= 2, 300)
            workers[0].kill()
            wait_for(lambda: len(said) == 3, 30)
            assert said[1:] == ["A worker has come.", said[0]]
            start()
            grading.join(600)
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
    assert rows(tmp_path / "out") == rows(run[1])
    assert len(done) == len(set(done)) == 8


@pytest.mark.slow
def test_killed_three_times_it_loses_nothing(run, class_of_eight, tmp_path):
    """SIGKILL on the way, --resume: the grades of one go, nothing graded twice, no process left."""
    out, kills = tmp_path / "out", 0
    command = [sys.executable, "-m", "kata", "grade", str(class_of_eight), "--out", str(out)]
    command += ["--isolation", ISOLATION, "--seed", "5", "--resume"]
    written = {}
    while True:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        target = len(written) + 2
        while process.poll() is None and kills < 3:
            if len(list(out.glob("results/*.json"))) >= target:
                os.kill(process.pid, signal.SIGKILL) if os.name == "posix" else process.kill()
                kills += 1
                process.wait()
                break
            time.sleep(0.01)
        code = process.wait()
        times = {p.name: p.stat().st_mtime_ns for p in out.glob("results/*.json")}
        assert all(times[name] == written[name] for name in written)
        written = times
        if code == 0:
            break
        assert kills <= 3
    assert kills == 3
    assert rows(out) == rows(run[1])
    assert len(load_results(out)) == 8


@pytest.fixture(scope="module")
def judge():
    with Sandboxes(ROOT, ISOLATION) as sandboxes:
        yield Judge(ROOT, sandboxes, seed=int.from_bytes(os.urandom(7), "big"))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 11))
def test_mistakes_lose_points_and_alternatives_none(judge, number):
    """By the criteria, in the sandbox, on fresh inputs; the solution and every alternative have
    full marks.
    """
    here = step_by_number(number)
    right = {"solution": solution(number)}
    for path in variants(ROOT, "alternatives", here):
        text = joined_text((ROOT / "solutions" / here.file, path))
        right[path.stem] = text.encode()
    for name, text in right.items():
        result = judge.grade(Submission(name, {number: text}))
        assert result.points == here.points, (name, result.steps[number - 1])
    reference = judge.reference(here)
    from kata.criteria.verdicts import verdicts_on

    accepted = [
        mistake.name
        for mistake, answers in judge.known(here).items()
        if share(verdicts_on(here, answers, reference, ROOT)) == 1
    ]
    assert not accepted


def test_a_mistake_in_one_step_costs_no_other_step(judge):
    """Each step is asked among the solutions below it; among the person's own, the assembled
    result shows it.
    """
    files = {n: solution(n) for n in (3, 7)} | {3: mistaken("step03/scale_from_conditional")}
    result = judge.grade(Submission("ann", files))
    by_step = {s.step: s for s in result.steps}
    assert by_step[7].points == step_by_number(7).points
    assert by_step[7].assembled < step_by_number(7).points
    assert by_step[3].points < step_by_number(3).points


def test_testimony_costs_and_never_earns():
    """The rule of points, on verdicts alone."""

    def verdicts(*pairs):
        return [Verdict(str(i), ok, 1.0, told, "", Words("")) for i, (ok, told) in enumerate(pairs)]

    value, testimony = (True, False), (True, True)
    wrong_value, wrong_testimony = (False, False), (False, True)
    assert share(verdicts(value, value, testimony)) == 1
    assert share(verdicts(wrong_value, wrong_value, testimony, testimony)) == 0
    assert (
        share(verdicts(value, wrong_value, testimony)) == share(verdicts(value, wrong_value)) == 0.5
    )
    assert share(verdicts(value, value, value, wrong_testimony)) == 0.75
    assert share(verdicts(testimony)) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{tmp}/absent", "--out", "{tmp}/out"], "cannot be read"),
        (["{tmp}/empty", "--out", "{tmp}/out"], "no submissions"),
        (["{tmp}/class", "--out", "{tmp}/full"], "holds something else"),
        (["{tmp}/class", "--out", "{tmp}/class/out"], "outside of the submissions"),
        (["{tmp}/class", "--out", "{tmp}/out", "--only", "bob"], "no submission named"),
        (["{tmp}/class", "--out", "{tmp}/out", "--shard", "5/4"], "say I/N"),
        (["{tmp}/class", "{tmp}/twice", "--out", "{tmp}/out"], "only with --merge"),
        (["{tmp}/class", "--out", "{tmp}/out", "--merge"], "holds no run"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(tmp_path, arguments, words):
    """Exit code 2, no stack trace, no output folder, nothing overwritten."""
    hand_in(tmp_path / "class" / "ann", {3: solution(3)})
    hand_in(tmp_path / "twice" / "ann", {})
    hand_in(tmp_path / "twice" / "ANN.d", {})
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine", encoding="utf-8")
    shutil.make_archive(str(tmp_path / "twice" / "Ann"), "zip", tmp_path / "twice" / "ann")
    run = kata("grade", *[a.format(tmp=tmp_path) for a in arguments])
    assert (run.returncode, words in run.stderr) == (2, True), run.stderr
    assert "Traceback" not in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_a_refused_archive_is_told_and_the_others_are_graded(tmp_path):
    """0 points, its reason, and exit code 1 at the end."""
    hand_in(tmp_path / "class" / "ann", {10: solution(10)})
    with zipfile.ZipFile(tmp_path / "class" / "climber.zip", "w") as archive:
        archive.writestr("../../x.py", "x")
    run = kata("grade", tmp_path / "class", "--out", tmp_path / "out", "--isolation", ISOLATION)
    assert (run.returncode, "climber: it climbs out" in run.stderr) == (1, True), run.stderr
    table = rows(tmp_path / "out")
    assert float(table["ann"]["points"]) == step_by_number(10).points
    assert (table["climber"]["status"], table["climber"]["points"]) == ("refused", "0")


def test_without_bubblewrap_strict_says_what_to_install(tmp_path, monkeypatch):
    """And names the other way."""
    hand_in(tmp_path / "class" / "ann", {10: solution(10)})
    monkeypatch.setattr("kata.grade.sandbox.bubblewrap.shutil.which", lambda name: None)
    from kata.grade.sandbox.bubblewrap import IsolationError

    with pytest.raises(IsolationError, match=r"apt install bubblewrap.*--isolation process"):
        grade_class(
            ROOT,
            GradeRequest(tmp_path / "class", tmp_path / "out"),
            lambda *_: None,
            lambda *_: None,
        )
    assert not (tmp_path / "out").exists()


def test_names_of_shards():
    """I/N, and nothing else."""
    assert read_shard("2/4") == (2, 4)
    for bad in ("0/4", "5/4", "1", "1/", "a/b", "-1/4", "1/2/3"):
        with pytest.raises(GradingError):
            read_shard(bad)


def test_file_names_are_plain_and_differ():
    """Whatever a submission is called."""
    names = [
        "ann",
        "Ann Roe",
        "Ann_Roe",
        "../x",
        "con",
        "",
        "日本",
        "\udcff",
        "a" * 300,
        ".",
        "<b>",
    ]
    slugs = {slug(name) for name in names}
    assert len({s.casefold() for s in slugs}) == len(names)
    assert all(
        s and s.isascii() and "/" not in s and not s.startswith(".") and len(s) < 80 for s in slugs
    )


def test_similarity_sees_through_new_names():
    """A renamed and commented text stays similar, another is not; what is no program has no
    fingerprint.
    """
    tree = ast.parse(solution(6))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = f"my_{node.id}"
        elif isinstance(node, ast.arg):
            node.arg = f"my_{node.arg}"
    renamed = ast.unparse(tree) + "\n# mine\n"
    same = similarity({6: fingerprint(solution(6))}, {6: fingerprint(renamed.encode())})
    other = similarity({6: fingerprint(solution(6))}, {6: fingerprint(solution(10))})
    assert same > 0.95
    assert other < 0.4
    assert fingerprint(b"def f(:") == ()


def test_what_python_leaves_behind_changes_no_grade(tmp_path):
    """A folder of bytecode beside the course's files is not read."""
    course = tmp_path / "kata" / "course"
    course.mkdir(parents=True)
    (course / "steps.py").write_text("STEPS = ()\n", encoding="utf-8")
    before = course_hash(tmp_path)
    (course / "__pycache__").mkdir()
    assert course_hash(tmp_path) == before
    (course / "steps.py").write_text("STEPS = (1,)\n", encoding="utf-8")
    assert course_hash(tmp_path) != before
