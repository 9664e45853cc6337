"""What several tests of the tool share."""

import shutil
import subprocess
import sys
from functools import cache

import pytest

from kata.course.files import find_root

from .browser import Browser, installed

MARKS = {"needs_bubblewrap": "bubblewrap", "isolation": "bubblewrap", "needs_browser": "browser"}
"""The marks of tests by their fixtures, so that `-m` can choose what a bare machine leaves out."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark the tests that need a program which a machine may lack; process isolation needs none."""
    for item in items:
        given = vars(item).get("callspec")
        for fixture, mark in MARKS.items():
            if fixture in getattr(item, "fixturenames", ()) and not (
                given and given.params.get(fixture) == "process"
            ):
                item.add_marker(mark)


@cache
def lacking_for_strict():
    """Return what strict isolation lacks on this machine and how to get it; "" if it works."""
    if sys.platform != "linux":
        return "needs bubblewrap: it is for Linux alone"
    if shutil.which("bwrap") is None:
        return "needs bubblewrap: no bwrap on the path, install it with apt install bubblewrap"
    outer = ["bwrap", "--unshare-all", "--unshare-user", "--cap-drop", "ALL", "--ro-bind", "/", "/"]
    run = subprocess.run([*outer, "unshare", "--user", "true"], capture_output=True, check=False)
    if run.returncode != 0:
        return (
            "needs bubblewrap: it is installed, but this system permits no nested user namespaces"
        )
    return ""


@pytest.fixture(scope="session")
def needs_bubblewrap():
    """Skip a test of strict isolation if bubblewrap is missing."""
    if why := lacking_for_strict():
        pytest.skip(why)


@pytest.fixture(scope="session", params=["strict", "process"])
def isolation(request):
    """Both kinds of isolation, one after the other."""
    if request.param == "strict":
        request.getfixturevalue("needs_bubblewrap")
    return request.param


@pytest.fixture(scope="session")
def needs_browser():
    """Skip a test of a page if no browser is installed; else give the browser's path."""
    if not installed():
        pytest.skip(
            "needs a browser: no chromium on the path, install it with apt install chromium"
        )
    return installed()


@pytest.fixture(scope="module")
def browser(needs_browser):
    """One browser for all tests of a file."""
    started = Browser(needs_browser)
    yield started
    started.close()


@pytest.fixture(scope="session")
def pristine(tmp_path_factory):
    """A copy of the course, as a fresh clone has it; to be copied again before anything in it is
    changed.
    """
    root, copy = find_root(), tmp_path_factory.mktemp("pristine") / "course"
    ignored = shutil.ignore_patterns("__pycache__", "*.bak-*", "final", "tools", "alternatives")
    for name in ("kata", "solutions", "tests"):
        shutil.copytree(root / name, copy / name, ignore=ignored)
    shutil.copy(root / "pyproject.toml", copy)
    run_kata(copy, "stubs")
    return copy


@pytest.fixture
def course(pristine, tmp_path, monkeypatch):
    """A copy of the course, with stubs and a cache of its own; it is the working directory."""
    monkeypatch.setenv("KATA_CACHE", str(tmp_path / "cache"))
    copy = shutil.copytree(pristine, tmp_path / "course")
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def kata(course):
    """The `kata` command in that course."""
    return lambda *arguments, **environment: run_kata(course, *arguments, **environment)


def run_kata(folder, *arguments, **environment):
    """Run the command in a folder."""
    import os

    return subprocess.run(
        [sys.executable, "-m", "kata", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONUTF8": "1", "COLUMNS": "80", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
