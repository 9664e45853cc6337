"""The peak memory of the tool's programs, beside a process that imports torch alone."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from kata.lab.bench.startup import ProgramError

_TORCH = "import os, torch; os._exit(0)"
"""Ends at once, as the warm runner does: torch takes more memory when it is torn down."""

_LAUNCHER = """
import resource, subprocess, sys
from subprocess import DEVNULL
code = subprocess.run(sys.argv[1:], stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Runs a program, and prints its exit code and the resident set of its largest process. It is so
small that its own memory, with which a child begins, does not matter.
"""

_SHORT_DEMO = """
import io, sys
from dataclasses import replace
from pathlib import Path
from rich.console import Console
from kata.lab.demo import DemoRequest, run_demo
from kata.train.presets import RECIPES
little = dict(rounds=1, batches_per_round=2, classifier_epochs=1, num_steps=2)
recipe = replace(RECIPES["digits"], **little)
run_demo(DemoRequest(out=Path(sys.argv[1])), Console(file=io.StringIO()), recipe)
"""
"""The demo on as many images at a time, in few rounds: its memory does not grow with their
number.
"""

MEMORY_NOTE = (
    "Peak memory is the resident set of the largest process of a program. The demo and the training run "
    "for a few steps, on which it does not depend."
)


@dataclass(frozen=True)
class PeakMemory:
    """The peak memory of one program, and of `import torch` alone, in MiB."""

    program: str
    mib: float
    torch: float


def can_tell_memory() -> bool:
    """Return whether this system tells how much memory a program took."""
    return find_spec("resource") is not None


def peaks_of_memory(
    root: Path, data: Path | None, on_run: Callable[[], None] = lambda: None
) -> list[PeakMemory]:
    """Run each program once in that folder of the course; data: the folder of MNIST.

    on_run: called RUNS_OF_MEMORY times. Raise ProgramError if one of them cannot run.
    """
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        shutil.copytree(root / "solutions", scratch / "class" / "one")
        mnist = () if data is None else ("--data", str(data.resolve()))
        run = ("-m", "kata", "train", "mnist-small", "--steps", "3", *mnist)
        grade = ("-m", "kata", "grade", str(scratch / "class"), "--isolation", "process")
        programs = {
            "kata demo": ("-c", _SHORT_DEMO, str(scratch / "demo")),
            "kata train mnist-small": (*run, "--out", str(scratch / "train")),
            "kata grade": (*grade, "--workers", "1", "--out", str(scratch / "grades")),
            "the warm runner": ("-m", "kata", "check", "7", "--impl", "solutions"),
        }
        torch = largest_process(("-c", _TORCH), root)
        on_run()
        found = []
        for program, arguments in programs.items():
            found.append(PeakMemory(program, largest_process(arguments, root), torch))
            on_run()
    return found


RUNS_OF_MEMORY = 5


def largest_process(arguments: Sequence[str], folder: Path) -> float:
    """Run Python with these arguments in that folder; return the peak resident set of its largest
    process, itself or one that it started and waited for, in MiB.

    Raise ProgramError unless it ends with 0.
    """
    command = [sys.executable, "-c", _LAUNCHER, sys.executable, *arguments]
    told = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout
    code, most = map(int, told.split())
    if code:
        short = " ".join(arguments) if arguments[0] == "-m" else "a program of the bench"
        raise ProgramError(f"`python {short}` ended with {code}: run it alone to see why.")
    return most / (2**20 if sys.platform == "darwin" else 2**10)
