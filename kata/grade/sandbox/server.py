"""The server of a sandbox: it has imported torch once, and forks two processes for every job.

The server never reads a job, so its memory holds nothing of one job when it forks for the next. The
*supervisor* reads the job, forks the *worker*, watches it, and ends it with all that it started.
The worker loads the submitted file. Then the supervisor asks the grader for the seed, which nothing
in the sandbox knew before, and the worker answers the questions. The supervisor hands on the bytes
of the answers as they are.

Messages on the standard streams are a length (4 bytes, big-endian) and that many bytes. A job is
JSON; `seed?` asks for the seed, which is digits; then come how the job ended, as JSON, and the
answers.
"""

import base64
import contextlib
import gc
import io
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from kata.criteria.answers import LENGTH
from kata.grade.sandbox import isolation
from kata.grade.sandbox.isolation import BOX, TICK, Limits
from kata.grade.sandbox.pages import join_pages
from kata.grade.sandbox.processes import JobProcesses

ASK_FOR_SEED = b"seed?"


class Grader(NamedTuple):
    """The streams from and to the grader."""

    requests: int
    replies: int

    def seed(self) -> bytes:
        """Ask for the seed and wait for it."""
        send(self.replies, ASK_FOR_SEED)
        return receive(self.requests, cap=100)

    def end(self, ended: str, started: float, left: int, answers: bytes) -> None:
        """Tell how a job ended, and hand on its answers."""
        end = {"ended": ended, "seconds": time.monotonic() - started, "left": left}
        send(self.replies, json.dumps(end).encode())
        send(self.replies, answers)


class Pipes(NamedTuple):
    """One end of each pipe between a worker and its supervisor."""

    answers: int
    seed: int
    output: int


def serve_jobs() -> None:
    """Serve jobs until the grader closes the stream. Argument: `strict` under bubblewrap."""
    strict = sys.argv[1:] == ["strict"]
    grader = _open_streams()
    if not strict:
        isolation.adopt_orphans()
    isolation.leave_mark()
    _warm_up()
    send(grader.replies, b"ready")
    while select.select([grader.requests], [], []):
        supervisor = isolation.patiently(os.fork)
        if supervisor == 0:
            code = 1
            try:
                code = _supervise(grader, strict)
            finally:
                os._exit(code)
        if os.waitpid(supervisor, 0)[1] != 0:  # the grader is gone, or a job ended the supervisor
            if not strict:
                JobProcesses(strict).end()
            return


def serve_once() -> None:
    """Serve one job on systems without fork: this process is the worker too."""
    grader = _open_streams()
    _warm_up()
    send(grader.replies, b"ready")
    job = json.loads(receive(grader.requests))
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kata-") as box:
        pieces: list[bytes] = []
        _answer(job, Path(box), pieces.append, grader.seed)
        os.chdir("/")
    grader.end("", started, 0, b"".join(pieces))


def send(fd: int, message: bytes) -> None:
    """Write one message, whole."""
    _write(fd, LENGTH.pack(len(message)) + message)


def receive(fd: int, cap: int = 1 << 28) -> bytes:
    """Return one message; raise EOFError if the stream ends or the message exceeds `cap` bytes."""
    (length,) = LENGTH.unpack(_exactly(fd, LENGTH.size))
    if length > cap:
        raise EOFError("a message is too long")
    return _exactly(fd, length)


def _open_streams() -> Grader:
    """The standard streams, for the grader alone: print() goes to the error stream from now on."""
    grader = Grader(os.dup(0), os.dup(1))
    os.dup2(2, 1)
    return grader


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _exactly(fd: int, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = os.read(fd, min(count - len(parts), 1 << 20))
        if not part:
            raise EOFError("the stream ended")
        parts += part
    return bytes(parts)


def _warm_up() -> None:
    """Use what the questions need, as often as Python waits before it makes code faster; what is
    ready here is ready in every fork.
    """
    import torch

    import kata.course.loader  # noqa: F401 - it is needed when a job comes
    from kata.course.steps import GRADED_STEPS
    from kata.criteria.questions import questions_of
    from kata.given import DiT
    from kata.testing.devices import elsewhere, moved, two_devices

    torch.set_num_threads(1)
    torch.backends.mkldnn.set_flags(False)  # it compiles a kernel for every shape
    for step in GRADED_STEPS:
        questions_of(step)
    model, x, t = DiT(8, 4, 1, 16, 1, 2), torch.ones(2, 1, 8, 8), torch.ones(2)
    optimizer, saved = torch.optim.AdamW(model.parameters()), io.BytesIO()
    for _ in range(10):
        optimizer.zero_grad()
        model(x, t).square().sum().backward()
        optimizer.step()
    torch.save(model.state_dict(), saved)
    torch.load(io.BytesIO(saved.getvalue()))
    torch.linalg.svd(torch.eye(3))
    with two_devices():
        moved(model)(elsewhere(x), elsewhere(t))
    gc.collect()
    gc.freeze()
    join_pages()


def _supervise(grader: Grader, strict: bool) -> int:
    """Supervise one job. Return the exit code: 1 if the grader is gone."""
    try:
        job = json.loads(receive(grader.requests))
    except EOFError:
        return 1
    limits = Limits(**job["limits"])
    box = BOX if strict else Path(tempfile.mkdtemp(prefix="kata-"))
    if strict:
        isolation.separate_children()
    else:
        isolation.adopt_orphans()
    processes = JobProcesses(strict)
    answers, seed, output = os.pipe(), os.pipe(), os.pipe()
    started = time.monotonic()
    worker = isolation.patiently(os.fork)
    if worker == 0:
        _work(job, limits, box, strict, Pipes(answers[1], seed[0], output[1]))
    for fd in (answers[1], seed[0], output[1]):
        os.close(fd)
    processes.worker = worker
    try:
        pipes = Pipes(answers[0], seed[1], output[0])
        ended, blob = _watch(processes, limits, started, pipes, grader)
    except EOFError:
        processes.end()
        return 1
    finally:
        if not strict:
            shutil.rmtree(box, ignore_errors=True)
    grader.end(ended, started, processes.end(), blob)
    return 0


def _watch(
    processes: JobProcesses, limits: Limits, started: float, pipes: Pipes, grader: Grader
) -> tuple[str, bytes]:
    """Collect a worker's bytes until it ends or is over a limit; return that limit and them."""
    blob, printed, asked = bytearray(), 0, False
    poll = select.poll()
    for fd in (pipes.answers, pipes.output):
        os.set_blocking(fd, False)
        poll.register(fd, select.POLLIN)
    poll.register(grader.requests, 0)
    with contextlib.suppress(AttributeError, OSError):  # elsewhere its end is seen at the next tick
        poll.register(os.pidfd_open(processes.worker), select.POLLIN)
    next_look = 0.0
    while True:
        events = dict(poll.poll(TICK * 1000))
        if events.get(grader.requests, 0) & (select.POLLHUP | select.POLLERR):
            raise EOFError("the grader is gone")
        if pipes.answers in events:
            part = _available(pipes.answers)
            blob += part
            if not part:
                poll.unregister(pipes.answers)
        if pipes.output in events:
            part = _available(pipes.output)
            printed += len(part)
            if not part:
                poll.unregister(pipes.output)
        if blob[:1] == b"+" and not asked:
            asked = True
            seed = grader.seed()
            with contextlib.suppress(BrokenPipeError):
                os.write(pipes.seed, seed)
            os.close(pipes.seed)
        now = time.monotonic()
        if len(blob) > limits.answers:
            return "answers", bytes(blob[: limits.answers])
        if printed > limits.output:
            return "output", bytes(blob)
        if (status := processes.status()) is not None:
            processes.end()
            blob += _available(pipes.answers)
            if status == -signal.SIGXCPU:
                return "time", bytes(blob)
            return ("" if status == 0 else "died"), bytes(blob[: limits.answers])
        if now - started > limits.wall:
            return "time", bytes(blob)
        if now >= next_look:
            next_look = now + TICK
            if over := processes.over(limits):
                return over, bytes(blob)


def _available(fd: int) -> bytes:
    """What can be read at once, at most a megabyte."""
    try:
        return os.read(fd, 1 << 20)
    except OSError:
        return b""


def _work(job: dict[str, Any], limits: Limits, box: Path, strict: bool, pipes: Pipes) -> None:
    """Confine this process and run submitted code in it; never returns."""
    code = 1
    try:
        os.setsid()
        isolation.default_signals()
        answers, seed = isolation.close_other_files(*pipes)
        isolation.set_limits(limits, own_users=strict)
        if strict:
            isolation.confine(box, limits.disk)
        os.environ["HOME"] = os.environ["TMPDIR"] = tempfile.tempdir = str(box)
        _answer(job, box, lambda piece: _write(answers, piece), lambda: os.read(seed, 100))
        code = 0
    finally:
        os._exit(code)


def _answer(
    job: dict[str, Any], box: Path, write: Callable[[bytes], Any], seed: Callable[[], bytes]
) -> None:
    """Load a job's file and answer the questions of its step, one after another."""
    from kata.course.loader import Implementation, StepError
    from kata.course.steps import step_by_number
    from kata.criteria.answers import encode, encode_fault
    from kata.criteria.questions import answer, questions_of

    for folder in ("exercises", "solutions", "tests", "kata/course"):
        (box / folder).mkdir(parents=True)
    for name, text in job["files"].items():
        (box / name).write_bytes(base64.b64decode(text))
    os.chdir(box)
    if job["inspection"] is not None:
        from kata.grade.sandbox.inspection import inspect_layers

        seed_after = write(b"+"), seed()
        assert seed_after
        write(encode("layers", inspect_layers(job["inspection"])))
        return
    step = step_by_number(job["step"])
    try:
        module = Implementation(box / "exercises", assembled=job["assembled"]).module(step)
    except StepError as error:
        write(encode_fault(error.fault))
        return
    write(b"+")
    drawn = int(seed())
    for name, question in questions_of(step).items():
        write(encode(name, answer(question, module, drawn)))
