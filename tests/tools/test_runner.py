"""The warm runner: results as data, and nothing that a job does can harm the next one."""

import os
import subprocess
import sys
import threading
import time

import pytest

from kata.course.files import find_root
from kata.course.loader import Implementation
from kata.course.steps import STEPS
from kata.runner.client import CallStopped, WarmRunner
from kata.runner.outcomes import Call, Outcome, PytestJob, PytestResult
from kata.runner.records import key_of

ROOT = find_root()
STEP = "tests/test_step03_guidance.py"


@pytest.fixture(scope="module")
def runner():
    with WarmRunner(ROOT, workers=2, training=False) as warm:
        yield warm


def job(folder, text, limit=60.0):
    """A job on a step 3 of that text."""
    folder.mkdir(exist_ok=True)
    (folder / "step03_guidance.py").write_text(text, encoding="utf-8")
    return PytestJob(("--impl", str(folder), STEP, "-k", "test_scale_zero"), limit)


def test_results_are_those_of_pytest(runner):
    """Names, outcomes, the class of the error and its words."""
    result = runner.run(
        PytestJob(("--impl", "tests/mistakes/step03/scale_from_conditional.py", STEP))
    )
    assert result.exit_code == 1
    assert not result.reason
    (failure,) = result.failed("test_scale_one_is_conditional")
    assert failure.said_in_words
    assert failure.message.startswith("Called guide(v_uncond, v_cond, 1.0).")
    assert any(o.outcome == "passed" for o in result.outcomes)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def guide(*a):\n    while True:\n        pass\n", "ended after its limit of 3 s"),
        ("import os\ndef guide(*a):\n    os._exit(0)\n", "the interpreter itself ended"),
        (
            "import os, signal\ndef guide(*a):\n    os.kill(os.getpid(), signal.SIGSEGV)\n",
            "the interpreter itself",
        ),
    ],
)
def test_a_job_that_never_returns_has_a_reason_and_the_next_job_runs(
    runner, tmp_path, text, reason
):
    """Endless loops and crashes of the interpreter end one job."""
    result = runner.run(job(tmp_path / "bad", text, limit=3))
    assert reason in result.reason
    assert not result.outcomes
    for good in runner.run_all([PytestJob(("--impl", "solutions", STEP))] * 2):
        assert good.exit_code == 0


def test_jobs_do_not_see_each_other(runner, tmp_path):
    """What one job patches is whole again in the next."""
    vandal = "import torch\ntorch.full_like = None\ndef guide(u, c, w):\n    return u\n"
    assert runner.run(job(tmp_path / "vandal", vandal)).exit_code == 0
    for result in runner.run_all([PytestJob(("--impl", "solutions", STEP))] * 2):
        assert result.exit_code == 0


def test_results_come_in_the_order_of_the_jobs(runner, tmp_path):
    """Although two run at a time and the first takes longer."""
    slow = job(
        tmp_path / "slow", "import time\ndef guide(u, c, w):\n    time.sleep(0.05)\n    return u\n"
    )
    quick = job(tmp_path / "quick", "def guide(u, c, w):\n    return c\n")
    assert [r.exit_code for r in runner.run_all([slow, quick, slow])] == [0, 1, 0]


def test_a_result_survives_the_way_as_text():
    """To plain data and back."""
    result = PytestResult(
        (Outcome("test_a[1]", "failed", "AssertionError", "words"),), 1, 0.5, "", "text"
    )
    assert PytestResult.from_dict(result.to_dict()) == result
    assert result.outcomes[0].function == "test_a"


@pytest.mark.skipif(
    not hasattr(os, "fork"), reason="there is no fork here, so this is what every test above does"
)
def test_without_fork_one_process_runs_its_jobs_in_turn(tmp_path):
    """The way of systems that cannot fork: another implementation is loaded for every job."""
    script = (
        "import sys; import kata.runner.server as server\n"
        "server.CAN_FORK = False\n"
        "for target in sys.argv[1:]:\n"
        f"    arguments = ['--impl', target, '{STEP}', '-k', 'test_scale_zero']\n"
        "    request = {'function': 'kata.runner.pytest_run:run_pytest', 'arguments': {'arguments': arguments}}\n"
        "    print(server._called(request)['value']['exit_code']); server.forget()\n"
    )
    targets = ["solutions", "tests/mistakes/step03/only_above_one.py", "solutions"]
    run = subprocess.run(
        [sys.executable, "-c", script, *targets],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["0", "1", "0"]


def test_a_test_that_takes_too_long_ends_its_run(runner, tmp_path):
    """It fails with the line at which it was interrupted, and the tests after it are not run."""
    loop = "def guide(*a):\n    while True:\n        x = 1\n"
    (tmp_path / "step03_guidance.py").write_text(loop, encoding="utf-8")
    result = runner.run(PytestJob(("--impl", str(tmp_path), STEP), test_limit=1.0))
    (failure,) = result.outcomes
    assert failure.error == "TimeLimit"
    assert "within 1 s" in failure.message
    path, _, line = failure.place.rpartition(":")
    assert path.endswith("step03_guidance.py")
    assert int(line) in (2, 3)


def test_what_runs_can_be_stopped_from_another_thread(runner, tmp_path):
    """It ends at once, nothing more runs under it, and the next job runs."""
    endless = job(tmp_path / "endless", "def guide(*a):\n    while True:\n        pass\n")
    good = job(tmp_path / "good", "def guide(u, c, w):\n    return u\n")
    task = runner.task()
    threading.Timer(3.0, task.stop).start()
    with pytest.raises(CallStopped):
        task.run(endless)
    with pytest.raises(CallStopped):
        task.run(good)
    assert runner.run(good).passed


def test_any_function_can_be_called(runner):
    """By name, with plain data; an error is a reason; what is lasting is there for later calls."""
    assert runner.call(Call("math:hypot", {})).reason == ""
    reply = runner.call(Call("kata.course.steps:step_by_number", {"number": 11}))
    assert "there is no step 11" in reply.reason
    assert runner.call(Call("os:getcwd", lasting=True)).value == str(ROOT)


def test_a_record_holds_until_a_file_changes_that_its_tests_import(course):
    """Its own tests, what they import and its criteria; not the criteria of another step."""

    def key():
        return key_of(course, Implementation(course / "solutions"), STEPS[7])

    def changed(name):
        before, path = key(), course / name
        path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
        return key() != before

    assert not changed("kata/criteria/step08.py")
    for name in ("criteria/step07", "criteria/questions", "testing/models", "given/dit"):
        assert changed(f"kata/{name}.py")
    assert changed(f"tests/{STEPS[7].test_file}")


def test_the_far_end_ends_with_the_near_one(tmp_path):
    """Nothing is left running, although a job was."""
    with WarmRunner(ROOT, workers=1, training=False) as warm:
        pids = tmp_path / "pid"
        text = f"import os\nopen({str(pids)!r}, 'w').write(str(os.getpid()))\nwhile True: pass\n"
        endless = job(tmp_path / "endless", text)
        threading.Thread(target=warm.run, args=(endless,), daemon=True).start()
        while not (pids.exists() and pids.read_text()):
            time.sleep(0.05)
    child = int(pids.read_text())
    for _ in range(200):
        if not _runs(child):
            return
        time.sleep(0.05)
    pytest.fail("the child goes on running")


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = f"/proc/{pid}/stat"  # a child that nobody waited for is no running process
    return not os.path.exists(stat) or ") Z " not in open(stat, encoding="utf-8").read()
