"""Measure the grader beside a fresh pytest per submission: time, memory, and what a kill costs.

    python tests/tools/throughput.py [COUNT] [--isolation strict|process]

All is measured in one run: on submissions that hold all ten steps, solved, and on a class in the
middle of its term, of COUNT (300). No two texts of a class are the same, but for stubs that nobody
touched. The grader works on two at a time, from its first submission to its last report; pytest on
two at a time and on one. Seconds are those of a clock, divided by the number of submissions.
Seconds of processor, of all that took part, depend less on what else runs on the machine.
"""

import argparse
import contextlib
import itertools
import os
import random
import resource
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kata.course.files import find_root
from kata.course.loader import joined_text
from kata.course.steps import GRADED_STEPS, STEPS
from kata.course.variants import all_mistakes
from kata.grade.results import load_results
from kata.grade.run import GradeRequest, grade_class

ROOT = find_root()
CORPUS = runpy.run_path(str(Path(__file__).with_name("attacks.py")))
WORKERS = 2
SOLVED, SAMPLE = 24, 8
HOSTILE = 17
"""Which of thirty is hostile."""


@dataclass(frozen=True)
class Cost:
    """Seconds per submission, of a clock and of processor."""

    clock: float
    processor: float

    def beside(self, other: "Cost") -> str:
        """Both seconds, and how many times those of another they are."""
        return (
            f"{self.clock:.2f} s ({self.clock / other.clock:.1f} times), "
            f"{self.processor:.2f} s of processor ({self.processor / other.processor:.1f} times)"
        )


def processor_time() -> float:
    """Seconds of processor that this process and all below it used, with those that ended."""
    parents, seconds = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
            pid = int(stat.parent.name)
            parents[pid] = int(fields[1])
            seconds[pid] = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    family, found = set[int](), {os.getpid()}
    while found:
        family |= found
        found = {pid for pid, parent in parents.items() if parent in family} - family
    return sum(seconds[pid] for pid in family)


def solution(number: int) -> str:
    return (ROOT / "solutions" / STEPS[number].file).read_text(encoding="utf-8")


def stub(number: int) -> str:
    return (ROOT / "exercises" / STEPS[number].file).read_text(encoding="utf-8")


def solved() -> Iterator[dict[int, str]]:
    """Submissions of all ten steps, solved."""
    while True:
        yield {s.number: solution(s.number) for s in GRADED_STEPS}


def mixed() -> Iterator[dict[int, str]]:
    """A class in the middle of its term: some steps solved or mistaken, the rest stubs; one in
    thirty is hostile.
    """
    drawn = random.Random(0)
    mistakes = all_mistakes(ROOT)
    attacks = itertools.cycle(
        text for text in CORPUS["ATTACKS"].values() if isinstance(text, str) and "while" not in text
    )
    for member in itertools.count():
        texts = {}
        for step in GRADED_STEPS[: drawn.randint(2, 10)]:
            texts[step.number] = solution(step.number)
            if drawn.random() < 0.15:
                mistake = drawn.choice([m for m in mistakes if m.step == step])
                texts[step.number] = joined_text((ROOT / "solutions" / step.file, mistake.path))
        for step in GRADED_STEPS[len(texts) :]:
            texts[step.number] = stub(step.number)
        if member % 30 == HOSTILE:
            texts[3] = CORPUS["text_of"](next(attacks), "/nowhere", 9).decode()
        yield texts


def hand_in(folder: Path, submissions: Iterator[dict[int, str]], count: int) -> Path:
    """A class of the first so many submissions, each text with a comment of its own."""
    for i, texts in enumerate(itertools.islice(submissions, count)):
        member = folder / f"member{i:03d}"
        member.mkdir(parents=True)
        for number, text in texts.items():
            comment = "" if text == stub(number) else f"\n# {i}\n"
            (member / STEPS[number].file).write_text(text + comment, encoding="utf-8")
    return folder


def by_pytest(folder: Path, count: int, at_once: int) -> Cost:
    """What a fresh pytest costs per submission, for `count` spread over a class."""

    def fresh(member: Path) -> None:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        subprocess.run(
            [*command, "--impl", str(member)],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            check=False,
        )

    # Outside of a sandbox nothing hostile is run.
    members = [m for i, m in enumerate(sorted(folder.iterdir())) if i % 30 != HOSTILE]
    started, used = time.monotonic(), processor_time()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(fresh, members[:: len(members) // count][:count]))
    return Cost((time.monotonic() - started) / count, (processor_time() - used) / count)


def by_grader(folder: Path, out: Path, isolation: str) -> Cost:
    """What the grader costs per submission of a class, from its first submission on."""
    started, used, own = [0.0, 0.0], [0.0, 0.0], [0.0]

    def announce(_: object, count: int) -> None:
        started[:], used[0] = (time.monotonic(), count), processor_time()

    def progress(*_: object) -> None:  # what runs below this process is seen while it runs
        used[1], own[0] = processor_time(), time.process_time()

    request = GradeRequest(folder, out, isolation, seed=1, workers=WORKERS)
    grade_class(ROOT, request, announce, progress)
    rest = time.process_time() - own[0]
    clock, processor = time.monotonic() - started[0], used[1] - used[0] + rest
    return Cost(clock / started[1], processor / started[1])


def killed_and_resumed(folder: Path, out: Path, isolation: str, count: int, kills: int) -> int:
    """Grade a class in processes that are killed on the way; return how many results were
    written twice.
    """
    command = [sys.executable, "-m", "kata", "grade", str(folder), "--out", str(out)]
    command += ["--isolation", isolation, "--seed", "1", "--resume"]
    written: dict[str, int] = {}
    again = 0
    for kill in range(1, kills + 2):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        while process.poll() is None:
            if kill <= kills and len(list(out.glob("results/*.json"))) >= count * kill // (
                kills + 1
            ):
                process.kill()
            time.sleep(0.01)
        times = {p.name: p.stat().st_mtime_ns for p in out.glob("results/*.json")}
        again += sum(times[name] != moment for name, moment in written.items())
        written = times
    return again


def memory() -> str:
    """The largest memory so far of this process, and of one that it started."""
    own, others = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return f"grader {own:.0f} MB, largest sandbox {others:.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=300, help="size of the class")
    parser.add_argument("--isolation", choices=["strict", "process"], default="strict")
    arguments = parser.parse_args()
    count, isolation = arguments.count, arguments.isolation
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for kind, submissions, size in (("solved", solved(), SOLVED), ("mixed", mixed(), count)):
            folder = hand_in(place / kind, submissions, size)
            together, alone = (by_pytest(folder, SAMPLE, at_once) for at_once in (WORKERS, 1))
            if kind == "mixed":
                by_grader(hand_in(place / "ten", mixed(), 10), place / "ten-out", isolation)
                print(f" 10 submissions: {memory()}")
            graded = by_grader(folder, place / f"{kind}-out", isolation)
            print(
                f"{kind}: {size} submissions, each: kata grade, two at a time: {graded.clock:.2f} s, "
                f"{graded.processor:.2f} s of processor; a fresh pytest, two at a time: {together.beside(graded)}; "
                f"one at a time: {alone.beside(graded)}",
                flush=True,
            )
        print(f"{count} submissions: {memory()}")
        again = killed_and_resumed(folder, place / "killed-out", isolation, count, kills=3)
        whole, killed = (
            (place / out / "grades.csv").read_text(encoding="utf-8")
            for out in ("mixed-out", "killed-out")
        )
        print(
            f"killed three times and resumed: {len(load_results(place / 'killed-out'))} of {count} "
            f"graded, {again} of them twice, grades.csv {'as' if whole == killed else 'OTHERWISE than'} in one go"
        )


if __name__ == "__main__":
    main()
