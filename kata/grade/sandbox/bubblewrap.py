"""The command that starts a sandbox under bubblewrap, and what can be read inside."""

import os
import shutil
import site
import sys
from pathlib import Path

from kata.course import KataError
from kata.grade.sandbox.isolation import BOX, DEVICES, VIEW


class IsolationError(KataError):
    """The chosen isolation cannot hold here; the message says what to do."""


NO_BUBBLEWRAP = (
    "`--isolation strict` needs bubblewrap, which is not here: install it (Debian and Ubuntu: apt install "
    "bubblewrap; Fedora: dnf install bubblewrap), use a Linux machine, or, for code that you trust, say "
    "--isolation process."
)
NEEDS = {
    "strict": "strict isolation needs user namespaces that may be nested; permit them on this machine, use "
    "another, or, for code that you trust, say --isolation process",
    "process": "see whether this machine has memory and processes to spare",
}
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # glibc keeps freed memory for the next tensor, in huge pages, which spares a fork thousands of
    # page faults.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
    "PYTHONUTF8": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def bubblewrap(root: Path, view: Path, hidden: tuple[Path, ...]) -> list[str]:
    """Return the command that starts a sandbox: an allow-list of what can be read, and no network.

    Readable are the system's libraries, the Python in use, and `view`, the questions. hidden:
    folders that must not be readable in any case. Raise IsolationError if there is no bubblewrap.
    """
    program = shutil.which("bwrap")
    if sys.platform != "linux" or program is None:
        raise IsolationError(NO_BUBBLEWRAP)
    command = [program, "--unshare-all", "--unshare-user", "--new-session", "--clearenv"]
    command += ["--uid", "65534", "--gid", "65534", "--cap-drop", "ALL", "--hostname", "sandbox"]
    for name, value in {"PATH": "/usr/bin:/bin", "TMPDIR": str(BOX), **ENVIRONMENT}.items():
        command += ["--setenv", name, value]
    command += ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        path = Path("/") / name
        if path.is_symlink():
            command += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            command += ["--ro-bind", str(path), str(path)]
    command += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    command += ["--proc", "/proc", *_devices(), "--tmpfs", str(BOX)]
    pythons = _python_folders(root)
    for path in pythons:
        command += ["--ro-bind", str(path), str(path)]
    for path in (root, *hidden, Path.home()):
        if any(_within(path, shown) for shown in (Path("/usr"), *pythons)):
            command += ["--tmpfs", str(path)]
            for inner in (p for p in pythons if _within(p, path)):
                command += ["--ro-bind", str(inner), str(inner)]
            command += ["--remount-ro", str(path)]
    command += ["--ro-bind", str(view), str(VIEW)]
    command += ["--remount-ro", "/", "--chdir", "/", "--"]
    return [*command, sys.executable, "-I", "-B", "-c", server_program(VIEW), "strict"]


def _devices() -> list[str]:
    """The options for /dev: a few nodes, and a place for shared memory."""
    options = ["--tmpfs", "/dev", "--dir", "/dev/shm", "--symlink", "/proc/self/fd", "/dev/fd"]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        options += ["--symlink", f"/proc/self/fd/{number}", f"/dev/{name}"]
    for device in DEVICES:
        options += ["--dev-bind", device, device]
    return [*options, "--remount-ro", "/dev"]


def _python_folders(root: Path) -> list[Path]:
    """The folders of the Python in use and its packages; never one that holds the course."""
    folders = {
        Path(sys.prefix),
        Path(sys.base_prefix),
        Path(sys.executable).resolve().parent.parent,
    }
    folders |= {Path(folder) for folder in site.getsitepackages()}
    if site.ENABLE_USER_SITE:
        folders.add(Path(site.getusersitepackages()))
    folders.add(Path("/nix/store"))
    wanted = [p for p in folders if p.is_dir() and p != Path("/") and not _within(p, Path("/usr"))]
    return sorted(p for p in wanted if not _within(root, p) or p == Path(sys.prefix))


def _within(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def server_program(course: Path) -> str:
    """Return the text of a program that imports kata from that folder and serves jobs."""
    return (
        f"import sys; sys.path.insert(0, {str(course)!r}); "
        "from kata.grade.sandbox import isolation, server; "  # before torch changes the environment
        "server.serve_once() if sys.argv[1:] == ['once'] else server.serve_jobs()"
    )
