"""The assessor: a process of its own, with limits of time and memory, in which answers and texts of
submissions are looked at. Whatever they do to it, the grader goes on with a fresh one.

Messages on its standard streams are those of a sandbox: a length and that many bytes. A request is
JSON, and blobs: `learn` keeps the answers of the solution or of a known mistake; `assess` tells
which criteria a step passes, and the fingerprint of its text; `explain`, which mistakes answer
alike.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import LifoQueue
from typing import Any

from kata.course.steps import GRADED_STEPS, Step, step_by_number
from kata.course.variants import Mistake, read_mistake
from kata.criteria.answers import Answers, decode, encode_all
from kata.criteria.diagnosis import Diagnosis, diagnose
from kata.criteria.verdicts import criteria_of, passed_by
from kata.grade.sandbox.server import receive, send
from kata.grade.similarity import fingerprint

SECONDS = 10
"""Seconds of processor that one request may take; it takes some milliseconds."""

WAITING = 120.0
"""Seconds after which an assessor is ended in any case, also where no limit can be set."""

MEMORY = 1 << 30
"""Bytes that an assessor may use beyond what it has mapped when it starts."""


class AssessorError(Exception):
    """Answers could not be assessed within the limits, neither by one assessor nor by the next."""


class Assessors:
    """Assessors, as many as are busy at one time; each is started when it is needed.

    They end with this process, or when they are closed.
    """

    def __init__(self) -> None:
        self._idle: LifoQueue[_Assessor] = LifoQueue()

    def close(self) -> None:
        """End those that are idle."""
        while not self._idle.empty():
            self._idle.get().close()

    def assess(
        self, step: Step, answers: Answers, text: bytes, reference: Answers
    ) -> tuple[set[str], tuple[int, ...]]:
        """Return the criteria that answers pass, and the fingerprint of a text.

        reference: the solution's answers. Raise AssessorError if that takes too much.
        """
        reply = self._ask(step, {"": reference}, "assess", [_packed(step, answers), text])
        return set(reply["passed"]), tuple(reply["fingerprint"])

    def explain(
        self, step: Step, answers: Answers, reference: Answers, known: Mapping[Mistake, Answers]
    ) -> Diagnosis | None:
        """Return the diagnosis of answers. Raise AssessorError if that takes too much."""
        paths = {str(mistake.path): mistake for mistake in known}
        needs = {"": reference} | {str(mistake.path): known[mistake] for mistake in known}
        found = self._ask(step, needs, "explain", [_packed(step, answers)])["found"]
        if found is None:
            return None
        named = tuple(paths[path] for path in found["mistakes"])
        return Diagnosis(found["of"], named, found["exactly"])

    def _ask(
        self, step: Step, needs: Mapping[str, Answers], do: str, blobs: Sequence[bytes]
    ) -> Any:
        """Ask one that knows what is needed; if it fails, a fresh one."""
        with self._one() as assessor:
            for _ in range(2):
                with contextlib.suppress(OSError, EOFError, ValueError):
                    for whose, answers in needs.items():
                        assessor.teach(step, whose, answers)
                    return assessor.ask({"do": do, "step": step.number}, blobs)
                assessor.close()
        raise AssessorError(f"step {step.number}: its answers cannot be assessed within the limits")

    @contextmanager
    def _one(self) -> Iterator["_Assessor"]:
        assessor = _Assessor() if self._idle.empty() else self._idle.get()
        try:
            yield assessor
        finally:
            self._idle.put(assessor)


class _Assessor:
    """One of them, as the grader sees it."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.taught: set[tuple[int, str]] = set()

    def teach(self, step: Step, whose: str, answers: Answers) -> None:
        """Let it learn the answers of a known mistake, by its file, or "" of the solution."""
        if (step.number, whose) not in self.taught:
            head = {"do": "learn", "step": step.number, "whose": whose}
            self.ask(head, [_packed(step, answers)])
            self.taught.add((step.number, whose))

    def ask(self, head: dict[str, Any], blobs: Sequence[bytes]) -> Any:
        """Return what it replies; raise EOFError if it ends, or has to be ended."""
        process = self.process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        watchdog = threading.Timer(WAITING, process.kill)
        watchdog.start()
        try:
            send(process.stdin.fileno(), json.dumps({**head, "blobs": len(blobs)}).encode())
            for blob in blobs:
                send(process.stdin.fileno(), blob)
            return json.loads(receive(process.stdout.fileno()))
        finally:
            watchdog.cancel()

    def close(self) -> None:
        """End it; the next request starts a fresh one."""
        if self.process is not None:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
        self.process, self.taught = None, set()

    def _start(self) -> subprocess.Popen[bytes]:
        place = Path(__file__).parents[2]
        program = (
            f"import sys; sys.path.insert(0, {str(place)!r}); "
            "from kata.grade.assessor import serve; serve()"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-c", program],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout is not None
        watchdog = threading.Timer(WAITING, self.process.kill)
        watchdog.start()
        try:
            receive(self.process.stdout.fileno())
        finally:
            watchdog.cancel()
        return self.process


def serve() -> None:
    """Serve requests until the stream ends: the other end of Assessors."""
    import torch

    torch.set_num_threads(1)
    replies = os.dup(1)
    os.dup2(2, 1)
    for step in GRADED_STEPS:
        criteria_of(step)
    _limit_memory()
    send(replies, b"ready")
    solutions: dict[Step, Answers] = {}
    known: dict[Step, dict[Mistake, Answers]] = {step: {} for step in GRADED_STEPS}
    with contextlib.suppress(EOFError):
        while True:
            head = json.loads(receive(0))
            blobs = [receive(0) for _ in range(head["blobs"])]
            _limit_time()
            step, answers = step_by_number(head["step"]), decode(blobs[0]).answers
            reply: dict[str, Any] = {}
            if head["do"] == "learn" and head["whose"]:
                known[step][read_mistake(Path(head["whose"]), step)] = answers
            elif head["do"] == "learn":
                solutions[step] = answers
            elif head["do"] == "assess":
                passed = sorted(passed_by(step, answers, solutions[step]))
                reply = {"passed": passed, "fingerprint": fingerprint(blobs[1])}
            else:
                found = diagnose(step, answers, solutions[step], known[step])
                reply = {"found": _plain(found) if found else None}
            send(replies, json.dumps(reply).encode())


def _plain(found: Diagnosis) -> dict[str, Any]:
    files = [str(mistake.path) for mistake in found.mistakes]
    return {"of": found.of, "mistakes": files, "exactly": found.exactly}


def _packed(step: Step, answers: Answers) -> bytes:
    """The answers to a step's questions as bytes; others are left out."""
    return encode_all({n: answers[n] for n in criteria_of(step) if n in answers})


def _limit_memory() -> None:
    """Limit what this process may map from now on; Linux only."""
    if sys.platform == "linux":
        import resource

        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY, mapped + MEMORY))


def _limit_time() -> None:
    """Limit the time of processor until the next request, where the system can."""
    if sys.platform != "win32":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + SECONDS, hard))
