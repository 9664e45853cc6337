"""What the commands of a learner import: what they use, and nothing that takes its time."""

import signal
import subprocess
import sys

import pytest

from kata.course.files import find_root

SLOW = {
    "torch",
    "numpy",
    "scipy",
    "sklearn",
    "matplotlib",
    "PIL",
    "torchvision",
    "safetensors",
    "jinja2",
    "pytest",
    "hypothesis",
    "dask",
    "kata.lab",
    "kata.grade",
    "kata.figures",
    "kata.pages",
    "kata.given",
    "kata.criteria",
    "kata.testing",
}
"""Packages that take long to import, and rooms that none of the three commands needs."""
WHEN_TESTS_RUN = {"kata.runner.client", "kata.train", "rich.progress"}
"""What the board needs only if there are results that it does not know."""

TELL = """
import atexit, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = "kata"
atexit.register(lambda: print(*sys.modules, sep="\\n", file=sys.stderr))
from kata.cli import main
main()
"""


def imported(*arguments, until=None):
    """The modules that are there when a command ends, and the packages that they are in.

    until: the beginning of a line, after which it gets Ctrl-C; None lets it end by itself.
    """
    with subprocess.Popen(
        [sys.executable, "-c", TELL, *arguments],
        cwd=find_root(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        if until is not None:
            next(line for line in process.stdout if line.startswith(until))
            process.send_signal(signal.SIGINT)
        modules = set(process.communicate(timeout=300)[1].split())
    assert "kata.learn.workspace" in modules, modules
    return modules


@pytest.fixture(scope="module", autouse=True)
def known_results():
    """The board has run all tests before it is asked what it imports."""
    imported()


def test_the_board_imports_only_what_it_shows():
    """If all results are known, not even what runs tests or shows progress."""
    assert not imported() & (SLOW | WHEN_TESTS_RUN)


def test_check_leaves_torch_to_the_warm_runner():
    """The command itself reads files and writes text."""
    assert not imported("check", "1", "--impl", "solutions") & (
        SLOW | {"kata.train", "rich.progress"}
    )


def test_watch_leaves_torch_to_the_warm_runner():
    """Likewise, after its first verdict."""
    modules = imported("watch", "1", "--impl", "solutions", until="next")
    assert not modules & (SLOW | {"kata.train"})
