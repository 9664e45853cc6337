"""Isolation: what a job has of its own, how it is limited and counted, and that nothing weaker is
ever used.
"""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from kata.course.files import find_root
from kata.course.steps import foundations, step_by_number
from kata.grade.intake import Submission
from kata.grade.judge import Judge
from kata.grade.sandbox import client
from kata.grade.sandbox.bubblewrap import IsolationError
from kata.grade.sandbox.cgroups import group_of, new_group
from kata.grade.sandbox.client import SandboxError, Sandboxes, SandboxJob
from kata.grade.sandbox.isolation import Limits, patiently
from kata.grade.sandbox.layers import DISPENSABLE, LAYERS, try_layers
from kata.grade.sandbox.processes import JobProcesses
from kata.grade.targets import RUN

from .conftest import run_kata

ROOT = find_root()
STEP = step_by_number(3)
SOLUTION = (ROOT / "solutions" / STEP.file).read_text(encoding="utf-8")
KERNEL = runpy.run_path(str(Path(__file__).with_name("attacks_kernel.py")))


linux = pytest.mark.skipif(sys.platform != "linux", reason="for Linux alone")


@pytest.fixture(scope="module")
def strict(needs_bubblewrap):
    with Sandboxes(ROOT, "strict", workers=1) as sandboxes:
        yield sandboxes


def asked(sandboxes, text, limits=None, step=STEP):
    job = SandboxJob(step, {f"exercises/{step.file}": text.encode()}, limits=limits or Limits())
    return sandboxes.run(job, seed=1)


def test_all_layers_hold_under_strict(strict):
    """Each is tried; a control group alone may be out of reach."""
    layers = try_layers(strict, ROOT, ())
    assert [layer.name for layer in layers] == list(LAYERS)
    assert not [
        layer.words for layer in layers if not layer.holds and layer.name not in DISPENSABLE
    ]


def test_what_honest_programs_need_works(strict):
    """Locks, queues and shared memory of multiprocessing; threads; subprocesses; a local server."""
    text = (
        "import multiprocessing, os, socket, subprocess, sys, tempfile, threading\n"
        "from multiprocessing import shared_memory\n"
        "def double(x): return 2 * x\n"
        "context = multiprocessing.get_context('fork')\n"
        "lock = context.Lock()\n"
        "with lock: pass\n"
        "with context.Pool(2) as pool: assert pool.map(double, [1, 2]) == [2, 4]\n"
        "part = shared_memory.SharedMemory(create=True, size=100)\npart.close()\npart.unlink()\n"
        "thread = threading.Thread(target=double, args=(1,))\nthread.start()\nthread.join()\n"
        "assert subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True).stdout == b'1\\n'\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname()).close()\n"
        "with tempfile.TemporaryFile() as file: file.write(b'x')\n"
        "assert os.urandom(4) and open('/dev/zero', 'rb').read(2) == b'\\0\\0'\n"
        "open('/dev/null', 'w').write('x')\n"
    )
    reply = asked(strict, text + SOLUTION)
    assert not reply.decoded.refused, reply.decoded.refused
    assert not [a.message for a in reply.decoded.answers.values() if a.error]


def test_idle_processes_are_not_taken_for_memory(strict):
    """What several processes share is counted once: six of them hold little more than one."""
    text = (
        "import os, time, torch\nkept = torch.ones(300 << 20, dtype=torch.uint8)\n"
        "for _ in range(5):\n    if os.fork() == 0:\n        time.sleep(60)\ntime.sleep(0.5)\n"
    )
    assert not asked(strict, text + SOLUTION, Limits(memory=1 << 30)).ended


def test_processor_time_counts_though_no_parent_waits():
    """The seconds of a process that has gone still count."""
    watched = JobProcesses(strict=False)
    watched.worker = os.getpid()
    watched._seconds = {(0, "gone"): 20.0}
    assert watched.over(Limits(cpu=10)) == "time"
    assert watched.over(Limits(cpu=1000)) == ""


def test_a_control_group_ends_and_counts():
    """Where one is to be had: the kernel ends a process that holds too much, and says so."""
    program = "input(); kept = bytearray(300 << 20); input()"
    with subprocess.Popen([sys.executable, "-I", "-c", program], stdin=subprocess.PIPE) as process:
        group = group_of(process.pid)
        if group is None:
            process.kill()
            pytest.skip("needs control groups: none can be made here")
        watch = group.watch(Limits(memory=50 << 20))
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.wait(60) == -9
        process.stdin.close()
    assert (watch.over(), watch.used() > 0) == ("memory", True)
    group.remove()
    assert not group.memory.exists()


def groups(folder, mounts, own):
    """What the kernel tells a process of its groups, as files."""
    folder.mkdir()
    lines = [f"30 20 0:1 / {path} rw - {kind} {kind} rw,{names}" for path, kind, names in mounts]
    (folder / "mountinfo").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "cgroup").write_text(own, encoding="utf-8")
    return folder


@linux
def test_version_2_of_control_groups(tmp_path):
    """A group is made where its parent passes on the controllers, and limited by its files."""
    tree = tmp_path / "tree"
    (tree / "user" / "session").mkdir(parents=True)
    (tree / "user" / "cgroup.subtree_control").write_text("cpu memory pids")
    group = new_group(
        "kata-x", groups(tmp_path / "process", [(tree, "cgroup2", "")], "0::/user/session\n")
    )
    assert group.memory == group.pids == group.cpu == tree / "user" / "kata-x"
    for name in ("memory.max", "memory.swap.max", "pids.max", "cgroup.procs"):
        (group.memory / name).write_text("")
    (group.memory / "memory.events").write_text("oom 0\noom_kill 0\n")
    (group.cpu / "cpu.stat").write_text("usage_usec 1500000\nuser_usec 1\n")
    group.add([7])
    watch = group.watch(Limits(memory=1 << 20, processes=8, cpu=3))
    written = {p.name: p.read_text() for p in group.memory.iterdir()}
    assert written["memory.max"] == str(1 << 20)
    assert (written["memory.swap.max"], written["pids.max"], written["cgroup.procs"]) == (
        "0",
        "32",
        "7",
    )
    assert (watch.over(), watch.used()) == ("", 0)
    (group.cpu / "cpu.stat").write_text("usage_usec 6000000\n")
    assert watch.over() == "time"
    (group.memory / "memory.events").write_text("oom 1\noom_kill 1\n")
    assert watch.over() == "memory"


@linux
def test_version_1_of_control_groups(tmp_path):
    """A group per controller, below the process's own; none if a controller is missing."""
    names = ("memory", "pids", "cpu,cpuacct")
    mounts = [(tmp_path / name, "cgroup", name) for name in names]
    own = "".join(f"{i}:{name}:/own\n" for i, name in enumerate(names))
    for path, _, _ in mounts:
        (path / "own").mkdir(parents=True)
    process = groups(tmp_path / "process", mounts, own)
    group = new_group("kata-x", process)
    assert [group.memory, group.pids, group.cpu] == [tmp_path / n / "own" / "kata-x" for n in names]
    group.remove()
    assert new_group("kata-x", groups(tmp_path / "other", mounts[:2], own)) is None
    assert not list(tmp_path.rglob("kata-x"))


def test_a_shortage_is_waited_out():
    """A call that fails for want of something is made again; another error is raised at once."""
    waiting = [BlockingIOError(11, "no process"), OSError(28, "no namespace")]

    def act():
        if waiting:
            raise waiting.pop()
        return 7

    assert patiently(act) == 7
    waiting.append(PermissionError(1, "refused"))
    with pytest.raises(PermissionError):
        patiently(act)


class Dies:
    """A command that ends at once the first `times` times, and then does what it should."""

    def __init__(self, folder, times):
        self.count, self.times = folder / "count", times

    def wrapped(self, command):
        script = f'echo >> "{self.count}"; [ $(wc -l < "{self.count}") -gt {self.times} ] || kill -9 $$; exec "$@"'
        return ["/bin/sh", "-c", script, "sh", *command]


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize("times", [2, 99])
def test_a_sandbox_that_dies_while_starting_is_started_again(
    isolation, tmp_path, monkeypatch, times
):
    """A few times; if none ever starts, a sentence says so, and does not tell to install what is
    there.
    """
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.01, 0.01))
    with Sandboxes(ROOT, isolation, workers=1) as sandboxes:
        (sandbox,) = sandboxes._all
        sandbox.command = Dies(tmp_path, times).wrapped(sandbox.command)
        if times < 4:
            assert asked(sandboxes, SOLUTION).decoded.answers
        else:
            with pytest.raises(IsolationError, match="No sandbox starts here") as error:
                asked(sandboxes, SOLUTION)
            assert "install" not in str(error.value)


def test_a_job_that_always_ends_its_sandbox_is_the_graders_error(tmp_path, monkeypatch):
    """Where processes can end their parent: the next job is answered as ever."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork: elsewhere a job ends with its process")
    monkeypatch.setattr(client, "PAUSES", (0.01,))
    with Sandboxes(ROOT, "process", workers=1) as sandboxes:
        with pytest.raises(SandboxError):
            asked(sandboxes, "import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(9)\n")
        assert asked(sandboxes, SOLUTION).decoded.answers


def test_a_job_sees_what_its_step_builds_on():
    """And what that builds on; nothing else."""
    assert [s.number for s in foundations(step_by_number(9))] == [3, 7]
    assert [s.number for s in foundations(step_by_number(5))] == [1, 2]
    assert not foundations(step_by_number(10))


@pytest.mark.parametrize("number", [9, 10])
def test_a_step_that_is_not_built_on_is_not_there(isolation, number, tmp_path):
    """A file that imports it gets the reason, with the name of what is missing."""
    step = step_by_number(number)
    with Sandboxes(ROOT, isolation, workers=1) as sandboxes:
        judge = Judge(ROOT, sandboxes, seed=1)
        text = (ROOT / "solutions" / step.file).read_bytes()
        after_docstring = b"from .step01_embeddings import ClassEmbedding as Stolen\n" + text
        results = [
            judge.grade(Submission("ann", {number: t})).steps[number - 1]
            for t in (text, after_docstring)
        ]
    assert [r.points for r in results] == [step.points, 0]
    assert "imports step01_embeddings, which is not there" in results[1].reason


def path_with(tmp_path, program):
    """A PATH on which bwrap is missing or, if there is a text, is that script."""
    folder = tmp_path / "programs"
    folder.mkdir()
    if program:
        (folder / "bwrap").write_text(program, encoding="utf-8")
        (folder / "bwrap").chmod(0o755)
    return str(folder)


REFUSED = "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"


@linux
@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("", "needs bubblewrap, which is not here"),
        (REFUSED, "No permissions to create new namespace"),
    ],
)
def test_nothing_weaker_takes_the_place_of_strict(tmp_path, program, words):
    """Without bubblewrap, or without namespaces: exit code 2, a sentence, and nothing is graded."""
    (tmp_path / "class" / "ann").mkdir(parents=True)
    (tmp_path / "class" / "ann" / STEP.file).write_text(SOLUTION, encoding="utf-8")
    arguments = ("grade", str(tmp_path / "class"), "--out", str(tmp_path / "out"))
    run = run_kata(ROOT, *arguments, PATH=path_with(tmp_path, program))
    said = " ".join(run.stderr.split())
    assert (run.returncode, words in said) == (2, True), run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()


@linux
@pytest.mark.parametrize("graded", [True, False])
def test_the_gradescope_script_refuses_instead_of_falling_back(tmp_path, graded):
    """It asks for strict isolation once; if that fails, the result has no points and says who must
    do what.
    """
    place = tmp_path / "autograder"
    (place / "venv" / "bin").mkdir(parents=True)
    (place / "source").mkdir()
    (place / "submission").mkdir()
    answer = f"mkdir -p {place}/graded/gradescope; echo '{{\"score\": 7}}' > {place}/graded/gradescope/x.json"
    kata = place / "venv" / "bin" / "kata"
    kata.write_text(
        f'#!/bin/sh\necho "$@" >> {place}/asked\n{answer if graded else "exit 2"}\n',
        encoding="utf-8",
    )
    kata.chmod(0o755)
    script = RUN.replace("/autograder", str(place))
    subprocess.run(["bash", "-c", script], check=True, capture_output=True)
    result = json.loads((place / "results" / "results.json").read_text(encoding="utf-8"))
    calls = (place / "asked").read_text(encoding="utf-8").splitlines()
    assert len(calls) == 1
    assert "--isolation strict" in calls[0]
    assert "process" not in script.replace("processes", "")
    if graded:
        assert result == {"score": 7}
    else:
        assert result["score"] == 0
        assert "your instructor must" in result["output"]
