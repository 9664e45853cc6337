"""The way in from notebooks: one small notebook that clones the course, installs it, and takes a
learner through one step.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

from kata.course import KataError
from kata.course.files import source_text, write_atomic
from kata.course.steps import Step, step_of_file
from kata.course.stubs import stub_text

NOTEBOOK = Path(".github", "notebook.ipynb")
STEP_FILE = Path("step03_guidance.py")

WELCOME = """\
# cfg-kata: step {number} in a notebook

You write short functions, test by test, until your own code draws the digit that you ask for. This notebook takes you
through step {number} of the course, "{title}". The steps can be done in any order.

Run the cells from top to bottom. The first one takes a few minutes."""

START = """\
!git clone --quiet {repository} cfg-kata
%cd cfg-kata
%pip install --quiet -e ."""

WRITE = """\
## Write it

The text at the top of the next cell is the lesson. Replace each `raise NotImplementedError(...)` by your code. To save
it as `exercises/{file}`, run the cell."""

CHECK = """\
## Check it

The first failure is told in words. Change the cell above, run it again, and check again. If you are stuck, run
`!kata hint {number}`: it gives one more hint each time."""

SEE = """\
## See what it draws

Your code beside the reference, with a trained model."""

PICTURE = """\
!kata picture {number} --no-open

from IPython.display import Image

Image("checkpoints/runs/pictures/{picture}")"""

GO_ON = """\
## Go on

`!kata` shows all steps. Open their files in `exercises/` with the file browser, or write them from a cell as above.
Check them with `!kata check`. Download the folder `exercises/` before you leave: a hosted notebook forgets its files.
On your own computer, `kata watch` tests at every save."""


def notebook_text(root: Path) -> str:
    """Return the notebook of a course as JSON, format 4.5. The cell to fill in is the step's stub.

    Where it clones from stands in pyproject.toml.
    """
    step = step_of_file(STEP_FILE)
    if step is None:
        raise ValueError(f"the notebook's step {STEP_FILE} is not in the course")
    stub = stub_text(source_text(root / "solutions" / step.file), step)
    cells = [
        ("markdown", WELCOME),
        ("code", START),
        ("markdown", WRITE),
        ("code", f"%%writefile exercises/{step.file}\n{stub.rstrip()}"),
        ("markdown", CHECK),
        ("code", "!kata check {number}"),
        ("markdown", SEE),
        ("code", PICTURE),
        ("markdown", GO_ON),
    ]
    content = {
        "cells": [
            _cell(n, kind, _filled(text, root, step)) for n, (kind, text) in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def is_notebook_stale(root: Path) -> bool:
    """Return whether the notebook is not what it is derived to be."""
    path = root / NOTEBOOK
    return not path.is_file() or path.read_text(encoding="utf-8") != notebook_text(root)


def write_notebook(root: Path) -> str:
    """Write the notebook if it is stale; return "written" or "up to date"."""
    if not is_notebook_stale(root):
        return "up to date"
    (root / NOTEBOOK).parent.mkdir(exist_ok=True)
    write_atomic(root / NOTEBOOK, notebook_text(root))
    return "written"


def repository_of(root: Path) -> str:
    """Return the address from which the course is cloned; KataError if pyproject.toml has none."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return str(project["urls"]["Repository"])
    except (OSError, ValueError, KeyError, TypeError):
        raise KataError(
            "The notebook needs the address of the course: name it in pyproject.toml, "
            "as Repository under [project.urls]."
        ) from None


def _filled(text: str, root: Path, step: Step) -> str:
    if text.startswith("%%writefile"):
        return text
    names = {
        "number": str(step.number),
        "title": step.title,
        "file": step.file,
        "picture": f"{step.name}.png",
        "repository": repository_of(root),
    }
    return text.format(**names)


def _cell(number: int, kind: str, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": kind,
        "id": f"cell-{number}",
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }
    return cell if kind == "markdown" else {**cell, "execution_count": None, "outputs": []}
