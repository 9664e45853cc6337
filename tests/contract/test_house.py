"""The house: the tree in CONTRIBUTING is true, imports run one way, no file is long, no name
means two things.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from fnmatch import fnmatch

import pytest

from kata.course.files import find_root

ROOT = find_root()
LISTED = ("course", "testing", "criteria", "runner")


def tree():
    """Return the paths that the tree in CONTRIBUTING names, each with its words, in order."""
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = re.search(r"^## The tree$.*?^```$(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    named, folders = {}, []
    for line in block[1].strip().splitlines():
        indent, name, words = re.fullmatch(r"( *)(\S+) *(.*)", line).groups()
        folders[len(indent) // 4 :] = [name]
        named["".join(folders)] = words
    return named


def rooms_in(place):
    """Return the names of the folders at a place that hold files of ours."""
    folders = [path for path in (ROOT / place).iterdir() if path.name != "__pycache__"]
    return {path.name for path in folders if path.is_dir() and any(path.rglob("*.py"))}


@pytest.mark.parametrize("place", ["kata", "tests"])
def test_the_tree_names_every_room(place):
    """Each room has a line with words, and each line is a room that is there."""
    lines = {path: words for path, words in tree().items() if path.count("/") == 2}
    lines = {path: words for path, words in lines.items() if path.startswith(f"{place}/")}
    assert {path.split("/")[1] for path in lines if path.endswith("/")} == rooms_in(place)
    assert all(lines.values())


@pytest.mark.parametrize("room", LISTED)
def test_the_tree_names_every_file_of_a_room(room):
    """Each file has one line, by its name or by a pattern, and each line has a file."""
    lines = [path.split("/")[2] for path in tree() if path.startswith(f"kata/{room}/")]
    patterns = [name for name in lines if name]
    files = [path.name for path in (ROOT / "kata" / room).iterdir() if path.is_file()]
    files.remove("__init__.py")
    lines_of = {name: [p for p in patterns if fnmatch(name, p)] for name in files}
    assert {name: lines for name, lines in lines_of.items() if len(lines) != 1} == {}
    assert {p for p in patterns if not any(p in lines for lines in lines_of.values())} == set()


def test_the_tree_is_in_the_order_of_imports():
    """A room stands below the rooms that it imports, as pyproject.toml has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    contracts = settings["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    rooms = [path for path in tree() if re.fullmatch(r"kata/\w+/", path)]
    assert rooms == [f"{name.replace('.', '/')}/" for name in reversed(layers)]


@pytest.mark.dev
def test_rooms_import_only_rooms_above_them():
    """import-linter checks the contract in pyproject.toml."""
    pytest.importorskip("importlinter", reason="needs the extra: pip install -e '.[dev]'")
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())",
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_no_file_is_long():
    """A file of kata/ has at most 400 lines."""
    files = [path for path in (ROOT / "kata").rglob("*.*") if path.suffix not in (".pyc", ".toml")]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {str(path): length for path, length in lengths.items() if length > 400} == {}


def test_a_public_name_means_one_thing():
    """A function or class of one name stands in one module; questions have the names of tests."""
    modules = defaultdict(set)
    for path in (ROOT / "kata").rglob("*.py"):
        if path.parent.name != "cli" and not fnmatch(path.name, "step??*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_":
                    modules[node.name].add(str(path))
    assert {name: places for name, places in modules.items() if len(places) > 1} == {}


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
