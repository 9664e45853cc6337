"""The process inside the sandbox: it has imported torch once, and forks a keeper and a jail for every job.

It never reads a job itself, so nothing of one job is in its memory when it forks the next. The
*keeper* reads the job, forks the *jail*, watches it, and ends it with all that it started. The
jail loads the submitted file; then the keeper asks for the seed, which nobody had until
then; then the jail answers the probes. The keeper sends back bytes that it does not read.

Messages on the standard streams are a length (4 bytes, big-endian) and so many bytes. A job is
JSON; `seed?` asks for the seed, which is digits; then come the end, as JSON, and the answers.
"""

import base64
import contextlib
import gc
import json
import os
import select
import shutil
import signal
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from kata.grade.sandbox import isolation as jail
from kata.grade.sandbox.isolation import BOX, Limits
from kata.grade.sandbox.processes import TICK, JobProcesses

MESSAGE_LENGTH = struct.Struct(">I")
ASK_FOR_SEED = b"seed?"


def serve_jobs() -> None:
    """Serve jobs until the near end closes the stream. Argument: `strict` where this runs inside of bubblewrap."""
    strict = sys.argv[1:] == ["strict"]
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    if not strict:
        jail.adopt_orphans()
    _warm_up()
    send(replies, b"ready")
    while select.select([requests], [], []):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = _supervise(requests, replies, strict)
            finally:
                os._exit(code)
        if os.waitpid(child, 0)[1] != 0:  # the near end is gone, or a stranger ended the keeper
            if not strict:
                JobProcesses(strict).end()
            return


def serve_once() -> None:
    """One job without a fork, where there is none: this very process is the jail, and ends with it."""
    requests, replies = os.dup(0), os.dup(1)
    _warm_up()
    send(replies, b"ready")
    job = json.loads(receive(requests))
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kata-") as box:
        pieces: list[bytes] = []
        _answer(job, Path(box), pieces.append, lambda: _seed(requests, replies))
        os.chdir("/")
    send(replies, json.dumps({"ended": "", "seconds": time.monotonic() - started}).encode())
    send(replies, b"".join(pieces))


def send(fd: int, message: bytes) -> None:
    """One message, whole."""
    view = memoryview(MESSAGE_LENGTH.pack(len(message)) + message)
    while view:
        view = view[os.write(fd, view) :]


def receive(fd: int, cap: int = 1 << 28) -> bytes:
    """One message; EOFError where the stream ends or a message is longer than `cap` bytes."""
    (length,) = MESSAGE_LENGTH.unpack(_exactly(fd, MESSAGE_LENGTH.size))
    if length > cap:
        raise EOFError("a message is too long")
    return _exactly(fd, length)


def _exactly(fd: int, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = os.read(fd, min(count - len(parts), 1 << 20))
        if not part:
            raise EOFError("the stream ended")
        parts += part
    return bytes(parts)


def _warm_up() -> None:
    """Import what the probes need, and let torch make what it makes at first use, on one thread."""
    import importlib
    import pkgutil

    import torch

    import kata.course.loader
    import kata.criteria
    import kata.given

    torch.set_num_threads(1)
    for module in pkgutil.iter_modules(kata.criteria.__path__):
        importlib.import_module(f"kata.criteria.{module.name}")
    layer = torch.nn.Linear(8, 8)
    loss = torch.nn.functional.scaled_dot_product_attention(*[layer(torch.ones(1, 2, 4, 8))] * 3)
    loss.sum().backward()
    torch.optim.AdamW(layer.parameters()).step()
    torch.linalg.svd(torch.eye(3))
    torch.nn.Conv2d(1, 2, 2)(torch.ones(1, 1, 4, 4))
    gc.collect()
    gc.freeze()


def _supervise(requests: int, replies: int, strict: bool) -> int:
    """The keeper: one job from its message to its answers. Returns its exit code, 1 at the stream's end."""
    try:
        job = json.loads(receive(requests))
    except EOFError:
        return 1
    limits = Limits(**job["limits"])
    box = BOX if strict else Path(tempfile.mkdtemp(prefix="kata-"))
    if strict:
        jail.separate_children()
    else:
        jail.adopt_orphans()
    strangers = JobProcesses(strict)
    answers, secrets, output = os.pipe(), os.pipe(), os.pipe()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _confined(job, limits, box, strict, answers[1], secrets[0], output[1])
    for fd in (answers[1], secrets[0], output[1]):
        os.close(fd)
    strangers.first = child
    try:
        ended, blob = _watch(
            strangers, limits, started, answers[0], secrets[1], output[0], requests, replies
        )
    except EOFError:
        strangers.end()
        return 1
    finally:
        if not strict:
            shutil.rmtree(box, ignore_errors=True)
    left = strangers.end()
    seconds = time.monotonic() - started
    send(replies, json.dumps({"ended": ended, "seconds": seconds, "left": left}).encode())
    send(replies, blob)
    return 0


def _watch(
    strangers: JobProcesses,
    limits: Limits,
    started: float,
    answers: int,
    secrets: int,
    output: int,
    requests: int,
    replies: int,
) -> tuple[str, bytes]:
    """Collect what a jail answers until it ends or must be ended: why it was, "" where it finished, and the bytes."""
    blob, printed, asked = bytearray(), 0, False
    poll = select.poll()
    for fd in (answers, output):
        os.set_blocking(fd, False)
        poll.register(fd, select.POLLIN)
    poll.register(requests, 0)
    with contextlib.suppress(AttributeError, OSError):  # elsewhere its end is seen at the next tick
        poll.register(os.pidfd_open(strangers.first), select.POLLIN)
    next_look = 0.0
    while True:
        events = dict(poll.poll(TICK * 1000))
        if events.get(requests, 0) & (select.POLLHUP | select.POLLERR):
            raise EOFError("the near end is gone")
        if answers in events:
            part = _available(answers)
            blob += part
            if not part:
                poll.unregister(answers)
        if output in events:
            part = _available(output)
            printed += len(part)
            if not part:
                poll.unregister(output)
        if blob[:1] == b"+" and not asked:
            asked = True
            seed = _seed(requests, replies)
            with contextlib.suppress(BrokenPipeError):
                os.write(secrets, seed)
            os.close(secrets)
        now = time.monotonic()
        if len(blob) > limits.answers:
            return "answers", bytes(blob[: limits.answers])
        if printed > limits.output:
            return "output", bytes(blob)
        if (status := strangers.status()) is not None:
            strangers.end()
            blob += _available(answers)
            if status == -signal.SIGXCPU:
                return "time", bytes(blob)
            return ("" if status == 0 else "died"), bytes(blob[: limits.answers])
        if now - started > limits.wall:
            return "time", bytes(blob)
        if now >= next_look:
            next_look = now + TICK
            if over := strangers.over(limits):
                return over, bytes(blob)


def _seed(requests: int, replies: int) -> bytes:
    send(replies, ASK_FOR_SEED)
    return receive(requests, cap=100)


def _available(fd: int) -> bytes:
    """What can be read at once, at most a megabyte."""
    try:
        return os.read(fd, 1 << 20)
    except BlockingIOError:
        return b""
    except OSError:
        return b""


def _confined(
    job: dict[str, Any],
    limits: Limits,
    box: Path,
    strict: bool,
    answers: int,
    secrets: int,
    output: int,
) -> None:
    """Never returns: the rest of this process's life belongs to a stranger."""
    code = 1
    try:
        os.setsid()
        jail.default_signals()
        answers, secrets = jail.only_these_handles(answers, secrets, output)
        jail.set_limits(limits, own_users=strict)
        if strict:
            jail.private_mounts(box, limits.disk)
            jail.give_up_privileges()
        os.environ["HOME"] = os.environ["TMPDIR"] = tempfile.tempdir = str(box)

        def write(piece: bytes) -> None:
            view = memoryview(piece)
            while view:
                view = view[os.write(answers, view) :]

        _answer(job, box, write, lambda: os.read(secrets, 100))
        code = 0
    finally:
        os._exit(code)


def _answer(job: dict[str, Any], box: Path, write: Any, seed: Any) -> None:
    """Load a job's file and answer its probes, one after another."""
    from kata.course.loader import Implementation, StepError
    from kata.course.steps import step_by_number as step_number
    from kata.criteria.answers import encode
    from kata.criteria.questions import answer, questions_of

    for folder in ("exercises", "solutions", "tests", "kata/course"):
        (box / folder).mkdir(parents=True)
    for name, text in job["files"].items():
        (box / name).write_bytes(base64.b64decode(text))
    os.chdir(box)
    if job["look"] is not None:
        from kata.grade.sandbox.inspection import look

        seed_after = write(b"+"), seed()
        assert seed_after
        write(encode("look", look(job["look"])))
        return
    step = step_number(job["step"])
    try:
        module = Implementation(box / "exercises", assembled=job["assembled"]).module(step)
    except StepError as error:
        write(b"-" + str(error).encode("utf-8", "replace"))
        return
    write(b"+")
    drawn = int(seed())
    for name, probe in questions_of(step).items():
        write(encode(name, answer(probe, module, drawn)))
