"""The warm runner: results as data, and nothing that a job does can harm the next one."""

import os
import subprocess
import sys

import pytest

from kata.course.paths import find_root
from kata.run.results import Job, Outcome, Result
from kata.run.warm import WarmRunner

ROOT = find_root()
STEP = "tests/test_step03_guidance.py"


@pytest.fixture(scope="module")
def runner():
    with WarmRunner(ROOT, workers=2) as warm:
        yield warm


def job(folder, text, limit=60.0):
    """A job on a step 3 of that text."""
    folder.mkdir(exist_ok=True)
    (folder / "step03_guidance.py").write_text(text, encoding="utf-8")
    return Job(("--impl", str(folder), STEP, "-k", "test_scale_zero"), limit)


def test_results_are_those_of_pytest(runner):
    """Names, outcomes, the class of the error and its words."""
    result = runner.run(Job(("--impl", "tests/mistakes/step03/scale_from_conditional.py", STEP)))
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
    for good in runner.run_all([Job(("--impl", "solutions", STEP))] * 2):
        assert good.exit_code == 0


def test_jobs_do_not_see_each_other(runner, tmp_path):
    """What one job patches is whole again in the next."""
    vandal = "import torch\ntorch.full_like = None\ndef guide(u, c, w):\n    return u\n"
    assert runner.run(job(tmp_path / "vandal", vandal)).exit_code == 0
    for result in runner.run_all([Job(("--impl", "solutions", STEP))] * 2):
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
    result = Result(
        (Outcome("test_a[1]", "failed", "AssertionError", "words"),), 1, 0.5, "", "text"
    )
    assert Result.from_dict(result.to_dict()) == result
    assert result.outcomes[0].function == "test_a"


@pytest.mark.skipif(
    not hasattr(os, "fork"), reason="there is no fork here, so this is what every test above does"
)
def test_without_fork_one_process_runs_its_jobs_in_turn(tmp_path):
    """The way of systems that cannot fork: another implementation is loaded for every job."""
    script = (
        "import sys; import kata.run.server as server\n"
        "server.CAN_FORK = False\n"
        "for target in sys.argv[1:]:\n"
        f"    arguments = ['--impl', target, '{STEP}', '-k', 'test_scale_zero']\n"
        "    request = {'function': 'kata.run.session:run_pytest', 'arguments': {'arguments': arguments}}\n"
        "    print(server._reply(request)['value']['exit_code']); server.forget()\n"
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
