"""The layers of isolation: before anything is graded, what holds here is tried out from inside."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from kata.course.steps import GRADED_STEPS
from kata.grade.sandbox.bubblewrap import ENVIRONMENT, NEEDS, IsolationError
from kata.grade.sandbox.client import SandboxError, Sandboxes, SandboxJob
from kata.grade.sandbox.inspection import namespace_of_processes
from kata.grade.sandbox.isolation import Limits

LAYERS = {
    "secrets": (
        "solutions, tests and other submissions cannot be read",
        "submitted code can read the solutions, the tests and other submissions",
    ),
    "outside": (
        "nothing outside can be written to",
        "submitted code can change the course, other submissions and the home folder",
    ),
    "network": ("the network is out of reach", "submitted code can use the network"),
    "grader": (
        "other processes can be neither seen nor ended",
        "submitted code can end the grader and other processes of yours",
    ),
    "daemon": (
        "what it starts ends with it",
        "submitted code can leave processes running",
    ),
    "memory": ("memory is limited", "memory is not limited"),
    "groups": (
        "a control group limits its memory and counts its processor time",
        "without a control group, submitted code can hold memory that no process maps",
    ),
    "neighbours": (
        "each job has a network of its own",
        "submissions that are graded at the same time can meet in one network",
    ),
    "keyring": (
        "the keys of your session are out of reach",
        "submitted code can read the keys of your session, and leave others",
    ),
    "calls": (
        "a filter refuses system calls that it does not need",
        "submitted code can make every system call",
    ),
    "devices": (
        "device nodes cannot be changed",
        "submitted code can change the device nodes of this machine",
    ),
    "environment": (
        "it sees nothing of your environment",
        "submitted code can read your environment variables",
    ),
    "handles": ("it inherits no open files", "submitted code inherits open files"),
}
DISPENSABLE = {"groups"}
"""What is said if it does not hold, and stops no run."""


@dataclass(frozen=True)
class Layer:
    """One thing that isolation should do, and whether it holds here, in words."""

    name: str
    holds: bool
    words: str


def try_layers(sandboxes: Sandboxes, root: Path, outside: tuple[Path, ...]) -> list[Layer]:
    """Try every layer from inside. outside: the folders of the submissions and of the results.

    Raise IsolationError if a layer fails although the isolation is strict.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        request = {
            "secret": [
                *(str(root / name) for name in ("solutions", "tests", "kata/grade/judge.py")),
                *(str(folder) for folder in outside),
            ],
            "outside": [str(folder) for folder in (root, *outside, Path.home())],
            "grader": os.getpid(),
            "processes": namespace_of_processes(),
            "server": list(server.getsockname()),
            "memory": Limits().memory,
            "environment": sorted(os.environ.keys() - _HARMLESS),
        }
        try:
            reply = sandboxes.run(SandboxJob(GRADED_STEPS[0], {}, inspection=request), seed=0)
        except SandboxError as error:
            raise IsolationError(
                f"No job can be run here ({error}): {NEEDS[sandboxes.isolation]}."
            ) from None
    found = reply.decoded.answers.get("layers")
    if found is None or found.error:
        raise IsolationError(f"The sandbox could not be tried out: {reply.ended or found}.")
    could = {name: bool(value) for name, value in found.values.items()}
    could["daemon"] = could["daemon"] and reply.left > 0
    could["groups"] = reply.processor == 0
    layers = [Layer(name, not could[name], words[could[name]]) for name, words in LAYERS.items()]
    broken = [layer.words for layer in layers if not layer.holds and layer.name not in DISPENSABLE]
    if broken and sandboxes.isolation == "strict":
        raise IsolationError(f"The isolation does not hold here: {'; '.join(broken)}.")
    return layers


_HARMLESS = {
    *("PATH", "HOME", "PWD", "OLDPWD", "LANG", "LC_CTYPE", "SYSTEMROOT", "TMPDIR"),
    *ENVIRONMENT,
}
