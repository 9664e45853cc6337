"""The notebook: derived, small, and every cell does what its text says."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kata.course.files import find_root
from kata.course.notebook import NOTEBOOK, is_notebook_stale, notebook_text, repository_of
from kata.course.steps import step_by_number

ROOT = find_root()
STEP = step_by_number(3)


def test_the_notebook_is_what_it_is_derived_to_be():
    """And small: nine cells, no output."""
    assert not is_notebook_stale(ROOT)
    notebook = json.loads((ROOT / NOTEBOOK).read_text(encoding="utf-8"))
    assert len(notebook["cells"]) == 9
    assert all(not cell.get("outputs") for cell in notebook["cells"])
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    stub = (ROOT / "exercises" / STEP.file).read_text(encoding="utf-8")
    cells = ["".join(cell["source"]) for cell in notebook["cells"]]
    assert f"%%writefile exercises/{STEP.file}\n{stub.rstrip()}" in cells


def test_the_badge_opens_this_notebook():
    """From the repository that pyproject.toml names, and so does the clone."""
    owner_and_name = repository_of(ROOT).removeprefix("https://github.com/")
    address = f"colab.research.google.com/github/{owner_and_name}/blob/main/{NOTEBOOK.as_posix()}"
    assert f"(https://{address})" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"git clone --quiet {repository_of(ROOT)} cfg-kata" in notebook_text(ROOT)


@pytest.mark.slow
@pytest.mark.dev
def test_every_cell_runs(tmp_path, monkeypatch):
    """The stub is told what is missing; the solution, written in the cell, passes and is drawn
    in line. pip only says what it would install.
    """
    nbformat = pytest.importorskip("nbformat", reason="needs the tools of the extra [dev]")
    nbclient = pytest.importorskip("nbclient", reason="needs the tools of the extra [dev]")
    course = tmp_path / "published"
    shutil.copytree(
        ROOT, course, ignore=shutil.ignore_patterns(".git", ".venv", "runs", ".*_cache")
    )
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "The course"]):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *command], cwd=course, check=True
        )
    monkeypatch.setenv("PIP_DRY_RUN", "1")
    monkeypatch.setenv("PIP_NO_DEPS", "1")
    monkeypatch.setenv("KATA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    notebook = nbformat.reads(
        notebook_text(ROOT).replace(repository_of(ROOT), str(course)), as_version=4
    )
    solution = (ROOT / "solutions" / STEP.file).read_text(encoding="utf-8")
    write = next(c for c in notebook.cells if c.source.startswith("%%writefile"))
    check = next(c for c in notebook.cells if c.source.startswith("!kata check"))
    place = notebook.cells.index(check) + 1
    notebook.cells.insert(place, nbformat.v4.new_code_cell(check.source))
    notebook.cells.insert(
        place, nbformat.v4.new_code_cell(f"{write.source.splitlines()[0]}\n{solution}")
    )
    work = tmp_path / "work"
    work.mkdir()
    nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(work)}}
    ).execute()
    first, second = (
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in notebook.cells
        if cell.source.startswith("!kata check")
    )
    assert "is not written yet" in first or "Nothing is written here yet" in first
    assert "Passed" in second
    shown = [
        output.data
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "execute_result"
    ]
    assert any("image/png" in data for data in shown)
