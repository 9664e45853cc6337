"""The course file is true and complete, and the solutions import nothing but what they may."""

import ast
import re

import pytest

from kata.course.files import find_root
from kata.course.steps import COURSE_FILE, STEPS, read_steps
from kata.course.stubs import with_table

ROOT = find_root()
ALLOWED = {"torch", "numpy", "kata.given", "math", "collections.abc", "typing", "pathlib"}


def tree_of(step):
    return ast.parse((ROOT / "solutions" / step.file).read_text(encoding="utf-8"))


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)
def test_everything_in_the_course_file_exists(step):
    """Files, tests, public names, mistakes and alternatives of a step are where the course file
    says.
    """
    assert (ROOT / "exercises" / step.file).is_file()
    assert (ROOT / "tests" / step.test_file).is_file()
    assert (ROOT / "tests" / "mistakes" / step.folder).is_dir()
    assert (ROOT / "tests" / "alternatives" / step.folder).is_dir()
    defined = [n.name for n in tree_of(step).body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    assert [name for name in defined if not name.startswith("_")] == list(step.public)


def test_the_course_file_names_every_step_file():
    """There is no step file that the course file does not know, and points add up to 100."""
    for folder in ("exercises", "solutions"):
        assert sorted(p.name for p in (ROOT / folder).glob("*.py")) == [s.file for s in STEPS]
    assert sum(s.points for s in STEPS) == 100


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)
def test_a_block_says_something_about_everything(step):
    """Title, names, minutes, difficulty and points are there; a step builds only on steps before
    it.
    """
    assert re.fullmatch(rf"step{step.number:02d}_\w+", step.name)
    assert step.title.strip()
    assert step.public
    assert all(name.isidentifier() for name in step.public)
    assert step.minutes > 0
    assert step.is_optional == (step.number == 0)
    assert 1 <= step.difficulty <= 5
    assert all(0 <= number < step.number for number in step.builds_on)
    assert len(step.hints) == len(step.why) == 3
    assert len(step.questions) == 2


NEXT = len(STEPS)
BLOCK = f"""
[[steps]]
name = "step{NEXT:02}_law"
title = "Why diversity falls"
public = ["spread", "mean"]
builds_on = [3, 7]
minutes = 20
difficulty = 2
points = 10
hints = ["Why?", "A pointer.", "nearly code"]
why = ["It is short.", "It is true.", "It is tested."]
questions = []
"""


def with_one_more(folder, block):
    """Return the path of a copy of the course file with one more block."""
    path = folder / "course.toml"
    path.write_text(COURSE_FILE.read_text(encoding="utf-8") + block, encoding="utf-8")
    return path


def test_one_more_block_is_one_more_step(tmp_path):
    """Its number is its place; names of files and folders, and its row in the course map, follow
    from it.
    """
    *first, last = read_steps(with_one_more(tmp_path, BLOCK))
    assert tuple(first) == STEPS
    assert (last.number, last.folder, last.file) == (
        NEXT,
        f"step{NEXT:02}",
        f"step{NEXT:02}_law.py",
    )
    assert (last.test_file, last.public, last.builds_on) == (
        f"test_step{NEXT:02}_law.py",
        ("spread", "mean"),
        (3, 7),
    )
    row = f"| {NEXT} | [Why diversity falls]({last.file}) | 20 min | ●●○○○ | 10 | `spread`, `mean` | the final test |\n"
    course_map = with_table("<!-- steps -->\n<!-- end of steps -->\n", [*first, last])
    assert row in course_map
    assert course_map.count("](step") == NEXT + 1


@pytest.mark.parametrize("line", BLOCK.strip().splitlines()[1:], ids=lambda s: s.split()[0])
def test_a_block_that_lacks_a_field_is_refused(tmp_path, line):
    """The error names the step and the field."""
    path = with_one_more(tmp_path, BLOCK.replace(line + "\n", ""))
    with pytest.raises(ValueError, match=rf"step {NEXT}: .*'{line.split()[0]}'"):
        read_steps(path)


def test_a_block_with_an_unknown_field_is_refused(tmp_path):
    """A misspelt field is an error and not a field that nobody reads."""
    with pytest.raises(ValueError, match=rf"step {NEXT}: .*'hours'"):
        read_steps(with_one_more(tmp_path, f"{BLOCK}hours = 1\n"))


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)
def test_solutions_import_only_what_they_may(step):
    """torch, numpy, the given parts, some of the standard library, and the steps that it builds
    on.
    """
    neighbours = set()
    for node in ast.walk(tree_of(step)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 1:
            neighbours.add(node.module)
            continue
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            assert any(name == a or name.startswith(f"{a}.") for a in ALLOWED), name
    assert neighbours == {STEPS[n].name for n in step.builds_on}


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)
def test_solutions_hold_no_module_level_logic(step):
    """A solution is a docstring, imports, constants, functions and classes, so that its stub
    loads.
    """
    for node in tree_of(step).body[1:]:
        assert isinstance(
            node,
            ast.Import
            | ast.ImportFrom
            | ast.FunctionDef
            | ast.ClassDef
            | ast.Assign
            | ast.AnnAssign,
        )
        if isinstance(node, ast.Assign | ast.AnnAssign):
            assert not any(isinstance(n, ast.Call) for n in ast.walk(node))


def test_the_readme_counts_what_is_there():
    """The README counts mistakes and alternatives, beside the commands that count them."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for kind, words in (("mistakes", "known wrong answers"), ("alternatives", "correct answers")):
        count = len(list((ROOT / "tests" / kind).glob("*/*.py")))
        assert f"ls tests/{kind}/*/*.py | wc -l" in text
        assert f"# {count} {words}" in text
