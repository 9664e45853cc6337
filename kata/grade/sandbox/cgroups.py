"""Control groups: the kernel itself limits and counts what a sandbox uses, where they can be had.

A group is made below the grader's own group, or above it where that one may not be divided. It
needs root, or a part of the tree that is delegated to the user. Both versions are used: 2, with
one tree, and 1, with a tree per controller.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kata.grade.sandbox.isolation import Limits

PROCESS = Path("/proc/self")
CONTROLLERS = ("memory", "pids", "cpuacct")
OVERHEAD, ALLOWANCE = 16, 1.0
"""Processes that are in a sandbox beside those of a job, and the seconds that they use for it."""


@dataclass(frozen=True)
class ControlGroup:
    """The group of one sandbox.

    memory, pids, cpu: the folders of the controllers, one and the same in version 2.
    """

    memory: Path
    pids: Path
    cpu: Path

    @property
    def unified(self) -> bool:
        """Whether it is of version 2."""
        return self.memory == self.pids

    def add(self, processes: Iterable[int]) -> None:
        """Put processes into the group, and all that they start from now on; OSError if refused."""
        for pid in processes:
            for folder in self._folders():
                _write(folder / "cgroup.procs", pid)

    def limit(self, memory: int, processes: int) -> None:
        """Limit all in it together to bytes of memory, and to twice that number of processes."""
        _write(self.pids / "pids.max", 2 * processes + OVERHEAD)
        names = (
            ("memory.max", "memory.swap.max"),
            ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
        )
        most, swap = (self.memory / name for name in names[0 if self.unified else 1])
        if not self.unified:  # memory with swap may not be below memory alone
            with contextlib.suppress(OSError):
                _write(swap, -1)
        _write(most, memory)
        with contextlib.suppress(OSError):  # a kernel that does not count swap
            _write(swap, 0 if self.unified else memory)

    def killed(self) -> int:
        """Return how many processes the kernel ended in it for want of memory, so far."""
        file = "memory.events" if self.unified else "memory.oom_control"
        return _field(self.memory / file, "oom_kill")

    def seconds(self) -> float:
        """Return the seconds of processor that everything in it used, so far."""
        if self.unified:
            return _field(self.cpu / "cpu.stat", "usage_usec") / 1e6
        return int((self.cpu / "cpuacct.usage").read_text()) / 1e9

    def watch(self, limits: Limits) -> "Watch":
        """Limit the job that starts now, and return what tells how it did."""
        self.limit(limits.memory, limits.processes)
        return Watch(self, limits.cpu + ALLOWANCE, self.killed(), self.seconds())

    def remove(self) -> None:
        """Remove it once its processes have ended, waiting a second at most."""
        for folder in self._folders():
            for _ in range(100):
                with contextlib.suppress(OSError):
                    folder.rmdir()
                if not folder.exists():
                    break
                time.sleep(0.01)

    def _folders(self) -> set[Path]:
        return {self.memory, self.pids, self.cpu}


@dataclass(frozen=True)
class Watch:
    """One job in a group. cpu: its limit in seconds; killed, seconds: the counts at its start."""

    group: ControlGroup
    cpu: float
    killed: int
    seconds: float

    def used(self) -> float:
        """Return the seconds of processor since the start."""
        return self.group.seconds() - self.seconds

    def over(self) -> str:
        """Return the limit that the job passed: "memory", "time", or ""."""
        if self.group.killed() > self.killed:
            return "memory"
        return "time" if self.used() > self.cpu else ""


def group_of(process: int) -> ControlGroup | None:
    """Put a process and all that it started into a new group; None if that is not permitted."""
    group = new_group(f"kata-{os.getpid()}-{process}")
    if group is not None:
        try:
            group.add(_family(process))
        except OSError:
            group.remove()
            return None
    return group


def new_group(name: str, process: Path = PROCESS) -> ControlGroup | None:
    """Make a control group; None if this system permits none.

    process: where the kernel tells of this process: its mounts and its groups.
    """
    try:
        own = _own_groups(process)
    except (OSError, ValueError):
        return None
    if all(controller in own for controller in CONTROLLERS):
        made = [_made(own[controller], name, ()) for controller in CONTROLLERS]
    else:
        made = [_made(own.get("", ()), name, ("memory", "pids"))] * 3
    memory, pids, cpu = made
    if memory is None or pids is None or cpu is None:
        for folder in filter(None, made):
            folder.rmdir()
        return None
    return ControlGroup(memory, pids, cpu)


def _own_groups(process: Path) -> dict[str, list[Path]]:
    """This process's group and those above it, by controller; version 2 has the name ""."""
    paths = {}
    for line in (process / "cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        paths.update(dict.fromkeys(names.split(","), PurePosixPath(path)))
    found = {}
    for line in (process / "mountinfo").read_text().splitlines():
        fields, _, system = line.partition(" - ")
        top, mount = map(PurePosixPath, fields.split()[3:5])
        kind, _, options = system.split()[:3]
        of_mount = {"cgroup": options.split(","), "cgroup2": [""]}.get(kind, [])
        for name in (n for n in of_mount if n in paths):
            below = (
                paths[name].relative_to(top) if top in (paths[name], *paths[name].parents) else "."
            )
            own = Path(mount / below)
            found[name] = [p for p in (own, *own.parents) if p.is_relative_to(mount)]
    return found


def _made(groups: Iterable[Path], name: str, controllers: tuple[str, ...]) -> Path | None:
    """A new folder in the first of those groups that permits one with the controllers of version
    2 that it must have.
    """
    for group in groups:
        with contextlib.suppress(OSError):
            _remove_left_over(group)
            folder = group / name
            folder.mkdir()
            try:
                shared = (group / "cgroup.subtree_control").read_text() if controllers else ""
                if lacking := set(controllers) - set(shared.split()):
                    _write(group / "cgroup.subtree_control", " ".join(f"+{c}" for c in lacking))
            except OSError:
                folder.rmdir()
                raise
            return folder
    return None


def _remove_left_over(group: Path) -> None:
    """Remove the groups of graders that were killed."""
    for folder in group.glob("kata-*"):
        owner = folder.name.split("-")[1]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            with contextlib.suppress(OSError):
                folder.rmdir()


def _family(process: int) -> Iterator[int]:
    """A process and all that it started, and they in turn."""
    yield process
    for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
        yield from _family(int(child))


def _write(path: Path, value: object) -> None:
    with path.open("r+") as file:
        file.write(str(value))


def _field(path: Path, name: str) -> int:
    """A number in a file of lines `name number`; 0 if there is none of that name."""
    lines = (line.split() for line in path.read_text().splitlines())
    return next((int(line[1]) for line in lines if line[0] == name), 0)
