"""What is in a file: encodings, and notebooks whose code cells are steps."""

import ast
import json
import textwrap

import pytest

from kata.course.files import find_root
from kata.course.steps import GRADED_STEPS
from kata.grade.intake.texts import as_python

from .handing_in import ONE, THREE, handed_in, said

TEXT = '"""Fünf Schritte, 5 €."""\n\n\ndef guide():\n    return "é"\n\n\ndef guided_velocity():\n    return "€"\n'


@pytest.mark.parametrize(
    ("codec", "words"),
    [
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("cp1252", "Latin-1"),
        ("utf-8", ""),
        ("utf-8-sig", ""),
    ],
)
def test_encodings(tmp_path, codec, words):
    """What editors write is passed on as Python reads it, with a note if it was changed."""
    found = handed_in(tmp_path, {THREE: TEXT.encode(codec)})
    assert ast.dump(ast.parse(found.files[3])) == ast.dump(ast.parse(TEXT))
    assert (words in said(found)) if words else found.notes == ()


def test_a_declared_encoding(tmp_path):
    """It stands if it is true, and goes if the text is changed."""
    latin = f"# -*- coding: latin-1 -*-\n{TEXT.replace('€', 'é')}".encode("latin-1")
    found = handed_in(tmp_path / "true", {THREE: latin})
    assert found.files == {3: latin}
    wide = f"# coding: latin-1\n{TEXT}".encode("utf-16")
    found = handed_in(tmp_path / "wide", {THREE: wide})
    assert ast.dump(ast.parse(found.files[3])) == ast.dump(ast.parse(TEXT))


@pytest.mark.parametrize("text", [b"", b"\0\1\2\3" * 99, b"\xff\xfe\0", b"\0" * 9, b"x = '\0'\n"])
def test_what_is_no_text_is_passed_on(text):
    """As it is: the judge says what is wrong with it."""
    assert as_python(text) == (text, "")


def notebook(*cells, **more):
    """A notebook of code cells, each a text, a list of lines or a whole cell."""
    whole = [
        cell if isinstance(cell, dict) else {"cell_type": "code", "source": cell} for cell in cells
    ]
    return json.dumps({"cells": whole, "nbformat": 4, **more}).encode()


def globals_of(text):
    """What a text leaves behind when it is run."""
    space = {}
    exec(compile(text, "step", "exec"), space)
    return space


def test_a_solution_in_cells(tmp_path):
    """The code cells of the course's own solutions, one function per cell, are the steps."""
    cells = []
    for step in GRADED_STEPS[:3]:
        text = (find_root() / "solutions" / step.file).read_text(encoding="utf-8")
        cells += [ast.get_source_segment(text, node) for node in ast.parse(text).body]
    found = handed_in(tmp_path, {"homework.ipynb": notebook(*cells)})
    assert found.files.keys() == {1, 2, 3}
    assert "homework.ipynb that define guide, guided_velocity were taken as step 3" in said(found)
    assert b"guided_velocity" in found.files[3]
    assert b"class ClassEmbedding" not in found.files[3]


def test_what_a_step_needs_comes_along(tmp_path):
    """Imports and helpers of other cells, even indirect ones; not the experiments between them."""
    cells = [
        "import math\n%matplotlib inline\n!pip install torch",
        ["SCALE = math.floor(3.5)\n", "x = 1 / 0"],
        "def helper():\n    return SCALE",
        "raise SystemExit('an experiment')",
        {"cell_type": "markdown", "source": "def guide(): return 1"},
        "%%bash\nrm -rf x",
        "def guide():\n    x = helper()\n    return x",
        "%%time\ndef guided_velocity():\n    return guide()",
        "from __future__ import annotations",
    ]
    found = handed_in(tmp_path, {"step03_guidance.ipynb": notebook(*cells)})
    space = globals_of(found.files[3])
    assert space["guided_velocity"]() == 3
    assert b"pip" not in found.files[3]


def test_the_last_definition_counts(tmp_path):
    """As it does in the notebook; a cell that writes a file is that file."""
    cells = ["def guide(): return 1", "def guided_velocity(): return 1", "def guide(): return 2"]
    found = handed_in(tmp_path / "one", {"a.ipynb": notebook(*cells)})
    assert globals_of(found.files[3])["guide"]() == 2
    cells = [f"%%writefile exercises/{THREE}\ndef guide(): return 4\ndef guided_velocity(): pass"]
    found = handed_in(tmp_path / "two", {"a.ipynb": notebook(*cells)})
    assert globals_of(found.files[3])["guide"]() == 4


def test_a_cell_that_does_not_parse(tmp_path):
    """It is handed on whole, so that the reason for no points is the person's own mistake."""
    cells = ["import math", "def guide(:\n    return 1"]
    found = handed_in(tmp_path, {"step03_guidance.ipynb": notebook(*cells)})
    assert b"def guide(:" in found.files[3]


def test_a_file_wins_over_a_notebook(tmp_path):
    """And it is said."""
    cells = ["def guide(): return 1\ndef guided_velocity(): return 1"]
    found = handed_in(tmp_path, {"step03_guidance.ipynb": notebook(*cells), THREE: b"x = 1\n"})
    assert found.files == {3: b"x = 1\n"}
    assert "counts, not step03_guidance.ipynb" in said(found)


def test_a_notebook_of_another_step(tmp_path):
    """One that is named for a step is that step's alone."""
    cells = ["def guide(): return 1\ndef guided_velocity(): return 1"]
    found = handed_in(tmp_path, {"step04_label_dropout.ipynb": notebook(*cells)})
    assert not found.files
    assert "seen and not taken: step04_label_dropout.ipynb" in said(found)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[]",
        b"[" * 100_000,
        b'{"cells": 3}',
        b'{"cells": [3, {"cell_type": "code", "source": 7}, {"cell_type": "code"}]}',
        b'{"cells": [' + b"9" * 10_000 + b"]}",
        b"\xff\xfe\0",
        notebook(*[""] * 3000),
        b'{"cells": [' + b"[]," * 2_000_000 + b"0]}",
        notebook("def guide(): " + "(" * 9000),
        notebook("guide = " + "+".join("1" * 9000) + "\nguided_velocity = " + "-" * 9000 + "1"),
        notebook("\n".join(f"a{n} = a{n + 1}" for n in range(20_000)), "def guide(): return a0"),
    ],
    ids=range(13),
)
def test_odd_notebooks(tmp_path, text):
    """No notebooks, nested, endless, with long chains: soon, with a word, and the rest counts."""
    found = handed_in(tmp_path, {"a.ipynb": text, ONE: b"x = 1\n"})
    assert found.files[1] == b"x = 1\n"
    assert 3 in found.files or "a.ipynb" in said(found)


def test_docstrings_are_left_alone(tmp_path):
    """A line of a docstring that looks like a magic is none."""
    cell = textwrap.dedent('''
        def guide():
            """Guide.

            !important
            % of samples?
            """
            return 1
    ''')
    found = handed_in(tmp_path, {"step03_guidance.ipynb": notebook(cell)})
    assert b"!important" in found.files[3]
