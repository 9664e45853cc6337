"""How long from a save to its verdict in `kata watch`? The median of 20 saves a step, on a copy of the course.

    python tests/tools/latency.py            all steps
    python tests/tools/latency.py 3 7        some of them

Every save is of the solution with another comment, so that no record of an earlier run helps and every test runs.
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
WITHIN = {1: 0.5, 2: 0.5, 3: 0.5, 4: 0.5, 5: 1.5, 6: 1.5, 7: 0.5, 8: 1.5, 9: 1.5, 10: 0.5}


def seconds_of(step: Step, folder: Path) -> list[float]:
    """From each save of a step to the verdict on it."""
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
            f"{min(took):.2f} to {max(took):.2f}, to be within {WITHIN[step.number]} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
