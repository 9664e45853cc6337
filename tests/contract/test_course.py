"""The manifest is true, the solutions import nothing but what they may, and the rooms import only downwards."""

import ast
import subprocess
import sys

import pytest

from kata.course.files import find_root
from kata.course.steps import STEPS

ROOT = find_root()
ALLOWED = {"torch", "numpy", "kata.given", "math", "collections.abc", "typing", "pathlib"}


def tree_of(step):
    return ast.parse((ROOT / "solutions" / step.file).read_text(encoding="utf-8"))


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)
def test_everything_in_the_manifest_exists(step):
    """Files, tests, public names, mistakes and alternatives of a step are where the manifest says."""
    assert (ROOT / "exercises" / step.file).is_file()
    assert (ROOT / "tests" / step.test_file).is_file()
    assert (ROOT / "tests" / "mistakes" / step.folder).is_dir()
    assert (ROOT / "tests" / "alternatives" / step.folder).is_dir()
    defined = [n.name for n in tree_of(step).body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    assert [name for name in defined if not name.startswith("_")] == list(step.public)


def test_the_manifest_names_every_step_file():
    """No step file lies about that the manifest does not know, and points add up to 100."""
    for folder in ("exercises", "solutions"):
        assert sorted(p.name for p in (ROOT / folder).glob("*.py")) == [s.file for s in STEPS]
    assert sum(s.points for s in STEPS) == 100


def test_the_course_map_says_what_the_manifest_says():
    """The table of exercises/README.md has a row for every step, with its title, minutes and points."""
    text = (ROOT / "exercises" / "README.md").read_text(encoding="utf-8")
    for step in STEPS:
        dots = "●" * step.difficulty + "○" * (5 - step.difficulty)
        link = f"[{step.title}]({step.file})"
        row = f"| {step.number} | {link} | {step.minutes} min | {dots} | {step.points} |"
        assert row in text


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)
def test_solutions_import_only_what_they_may(step):
    """torch, numpy, the given parts, some of the standard library, and the steps that it builds on."""
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
    assert neighbours == {STEPS[n - 1].name for n in step.builds_on}


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)
def test_solutions_hold_no_module_level_logic(step):
    """A solution is a docstring, imports, constants, functions and classes, so that its stub loads."""
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


def test_rooms_import_only_downwards():
    """Each room of kata/ imports only the rooms above it; import-linter holds the contract in pyproject.toml."""
    pytest.importorskip("importlinter", reason="the optional extra 'dev' is not installed")
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())",
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_top_is_tidy():
    """Nothing stands at the top but the house and dot-files."""
    house = {
        "README.md",
        "pyproject.toml",
        "LICENSE",
        "exercises",
        "solutions",
        "tests",
        "checkpoints",
        "kata",
    }
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        tracked = {path.name for path in ROOT.iterdir() if not path.name.endswith(".egg-info")}
    else:
        tracked = {line.split("/")[0] for line in listed.stdout.splitlines()}
    assert {name for name in tracked if not name.startswith(".")} == house
