"""What several tests of the tool share."""

import shutil
import subprocess
import sys

import pytest

from kata.course.files import find_root


@pytest.fixture(scope="session")
def pristine(tmp_path_factory):
    """A copy of the course, as a fresh clone has it; to be copied again before anything in it is changed."""
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
