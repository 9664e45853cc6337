"""How fast the grader is beside a fresh pytest for each submission, and what memory it takes: `python throughput.py`.

Both are measured in one run, two at a time, on submissions that hold all ten steps, solved.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kata.course.manifest import STEPS
from kata.course.paths import find_root
from kata.grade.session import Request, grade

ROOT = find_root()
WORKERS = 2


def make_class(folder: Path, count: int, numbers: list[int]) -> Path:
    """A class whose members all hand in the solutions of some steps, each with a comment of their own."""
    for i in range(count):
        member = folder / f"member{i:03d}"
        member.mkdir(parents=True)
        for step in (s for s in STEPS if s.number in numbers):
            text = (ROOT / "solutions" / step.file).read_text(encoding="utf-8")
            (member / step.file).write_text(f"{text}\n# {i}\n", encoding="utf-8")
    return folder


def fresh(folder: Path) -> None:
    """A fresh pytest on one submission."""
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--impl", str(folder)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def graded(folder: Path, out: Path) -> float:
    """Seconds that a class takes from the first submission on."""
    started = [0.0]

    def announce(*_: object) -> None:
        started[0] = time.monotonic()

    grade(ROOT, Request(folder, out, workers=WORKERS), announce, lambda *_: None)
    return time.monotonic() - started[0]


def main() -> None:
    everything = [s.number for s in STEPS]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        few = make_class(place / "few", 8, everything)
        started = time.monotonic()
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(fresh, sorted(few.iterdir())[:WORKERS]))
        by_pytest = (time.monotonic() - started) / WORKERS
        by_grader = graded(few, place / "few-out") / 8
        print(f"a fresh pytest   {by_pytest:6.2f} s a submission, {WORKERS} at a time")
        print(f"kata grade       {by_grader:6.2f} s a submission, {WORKERS} at a time")
        print(f"ratio            {by_pytest / by_grader:6.1f}")
        for count in (10, 300):
            graded(make_class(place / f"of{count}", count, [1, 2, 10]), place / f"out{count}")
            own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            sandboxes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(
                f"{count:3d} submissions: grader {own:.0f} MB, largest sandbox {sandboxes:.0f} MB"
            )


if __name__ == "__main__":
    main()
