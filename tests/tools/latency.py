"""How long from a save to its verdict in `kata watch`? The median of 20 saves per step, on a copy.

    python tests/tools/latency.py            all steps
    python tests/tools/latency.py 3 7        some of them

Every save is of the solution with another comment, so that no record of an earlier run helps and
every test runs.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kata.course.files import find_root
from kata.course.steps import STEPS, Step

SAVES = 20
WITHIN = {step.number: 0.4 for step in STEPS} | {5: 0.8}
"""The seconds that the median may take, per step."""


def seconds_of(step: Step, folder: Path) -> list[float]:
    """Return the seconds from each save of a step to its verdict."""
    solution = (find_root() / "solutions" / step.file).read_text(encoding="utf-8")
    path = folder / step.file
    path.write_text(solution, encoding="utf-8")
    environment = {**os.environ, "KATA_CACHE": str(folder / "cache"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "kata", "watch", str(step.number), "--impl", str(folder)]
    took = []
    with subprocess.Popen(
        command,
        cwd=find_root(),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as watch:
        assert watch.stdout is not None
        for save in range(SAVES + 2):
            started = time.monotonic()
            path.write_text(f"{solution}\n# {save}\n", encoding="utf-8")
            for line in watch.stdout:
                if line.startswith(("Passed", "Failed")):
                    break
            took.append(time.monotonic() - started)
            time.sleep(4.0 if save == 0 else 0.2)
        watch.terminate()
    return took[2:]  # without those during which it warmed up


def main() -> None:
    """Measure and print."""
    chosen = {int(number) for number in sys.argv[1:]} or {step.number for step in STEPS}
    for step in (s for s in STEPS if s.number in chosen):
        with tempfile.TemporaryDirectory(prefix="kata-latency-") as folder:
            took = seconds_of(step, Path(folder))
        print(
            f"step {step.number:2}: median {statistics.median(took):.2f} s, "
            f"{min(took):.2f} to {max(took):.2f}, at most {WITHIN[step.number]} s expected",
            flush=True,
        )


if __name__ == "__main__":
    main()
