"""Kill the grader at random moments, resume it, and count: the same table, nobody graded twice.

    python tests/tools/killed.py [COUNT] [--isolation strict|process] [--seed N]

COUNT submissions (300), each another text of two quick steps, one in ten broken or empty.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kata.course.files import find_root
from kata.course.steps import step_by_number

ROOT = find_root()
STEPS = (3, 10)
KILLS = 3


def hand_in(folder: Path, count: int) -> None:
    """A class of so many."""
    for i in range(count):
        member = folder / f"member{i:03d}"
        member.mkdir(parents=True)
        for step in map(step_by_number, STEPS):
            text = (ROOT / "solutions" / step.file).read_text(encoding="utf-8")
            broken = {3: "def f(:", 7: "raise SystemExit"}.get(i % 20, "")
            written = f"{text}\n# {i}\n{broken}\n"
            if i % 20 != 11:
                (member / step.file).write_text(written, encoding="utf-8")


def grader(folder: Path, out: Path, isolation: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "kata", "grade", str(folder), "--out", str(out), "--resume"]
    command += ["--isolation", isolation, "--seed", "5"]
    where = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=where)


def written(out: Path) -> dict[str, int]:
    """When each result was written."""
    return {path.name: path.stat().st_mtime_ns for path in out.glob("results/*.json")}


def disturbed(folder: Path, out: Path, isolation: str, count: int, moments: list[int]) -> int:
    """Grade, and kill the grader when so many are graded; return how many were graded twice."""
    known: dict[str, int] = {}
    twice = 0
    for moment in [*moments, count + 1]:
        process = grader(folder, out, isolation)
        while process.poll() is None and len(written(out)) < moment:
            time.sleep(0.005)
        if process.poll() is None:
            process.kill()
        code = process.wait()
        now = written(out)
        twice += sum(now[name] != when for name, when in known.items())
        print(f"  exit code {code}: {len(now)} of {count} graded, {len(now) - len(known)} now")
        known = now
    return twice


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("count", nargs="?", type=int, default=300)
    options.add_argument("--isolation", default="strict", choices=["strict", "process"])
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    chosen = options.parse_args()
    drawn = random.Random(chosen.seed)
    moments = sorted(drawn.sample(range(1, chosen.count), KILLS))
    print(f"{chosen.count} submissions, killed at {moments} (seed {chosen.seed})")
    with tempfile.TemporaryDirectory(prefix="kata-killed-") as place:
        folder = Path(place) / "class"
        hand_in(folder, chosen.count)
        started = time.monotonic()
        assert grader(folder, Path(place) / "whole", chosen.isolation).wait() == 0
        print(f"  undisturbed: {time.monotonic() - started:.0f} s")
        out = Path(place) / "out"
        twice = disturbed(folder, out, chosen.isolation, chosen.count, moments)
        same = (out / "grades.csv").read_bytes() == (Path(place) / "whole/grades.csv").read_bytes()
        rows = len((out / "grades.csv").read_text(encoding="utf-8-sig").splitlines()) - 1
    print(f"rows {rows}, graded twice {twice}, the same table: {same}")
    sys.exit(0 if (rows, twice, same) == (chosen.count, 0, True) else 1)


if __name__ == "__main__":
    main()
