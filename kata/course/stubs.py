"""What is derived in exercises/: the stubs, from solutions/, and the table of the course map, from
course.toml.

A stub is its solution with the bodies of all functions cut out; everything around them stays byte
for byte.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from kata.course.files import source_text
from kata.course.steps import STEPS, Step

Function = ast.FunctionDef | ast.AsyncFunctionDef

MAP = "README.md"
TABLE = re.compile(r"(?<=<!-- steps -->\n).*?(?=<!-- end of steps -->)", re.DOTALL)
HEAD = """\
| step | what it is about | first try | difficulty | points | you write | used in |
|---|---|---|---|---|---|---|
"""


def stub_text(solution: str, step: Step) -> str:
    """Return the stub of a solution: each body becomes a NotImplementedError that names step and
    function.
    """
    lines = solution.splitlines(keepends=True)
    for name, function in reversed(list(_functions(ast.parse(solution)))):
        has_docstring = ast.get_docstring(function, clean=False) is not None
        body = function.body[1:] if has_docstring else function.body
        first = (function.body[0].end_lineno or 0) + 1 if has_docstring else body[0].lineno
        last = function.end_lineno or 0
        indent = " " * function.body[0].col_offset
        lines[first - 1 : last] = [
            f'{indent}raise NotImplementedError("step {step.number}: {name}")\n'
        ]
    return "".join(lines)


def is_untouched(text: str) -> bool:
    """Return whether nothing is filled in yet: a stub of this or of an older version of the
    course.
    """
    try:
        functions = [function for _, function in _functions(ast.parse(text.removeprefix("\ufeff")))]
    except SyntaxError:
        return False
    return all(
        "NotImplementedError" in ast.unparse(function.body[-1]) for function in functions
    ) and bool(functions)


def stale_files(root: Path) -> list[str]:
    """Return the names of the files in `exercises/` that are not what they are derived to be."""
    folder = root / "exercises"
    stale = [s.file for s in STEPS if _read(folder / s.file) != _stub_of(root, s)]
    course_map = _read(folder / MAP) or ""
    if not TABLE.search(course_map) or course_map != with_table(course_map, STEPS):
        stale.append(MAP)
    return stale


def write_stubs(root: Path, folder: Path) -> dict[str, str]:
    """Write every stub that is missing or untouched into a folder; files that were worked on are
    left alone.

    The course map that lies in the folder gets its table. Returns what was done by the files'
    names: "written", "up to date" or "kept".
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = {}
    for step in STEPS:
        path = folder / step.file
        text = path.read_text(encoding="utf-8") if path.is_file() else None
        is_kept = text is not None and not is_untouched(text)
        done[step.file] = _write(path, text, _stub_of(root, step), is_kept)
    if (course_map := _read(folder / MAP)) is not None:
        done[MAP] = _write(folder / MAP, course_map, with_table(course_map, STEPS))
    return done


def with_table(course_map: str, steps: Iterable[Step]) -> str:
    """Return the text of the course map with the table of the steps between its two markers."""
    steps = tuple(steps)
    table = HEAD + "".join(
        f"| {s.number} | [{s.title}]({s.file}) | {s.minutes} min | "
        f"{'●' * s.difficulty}{'○' * (5 - s.difficulty)} | {s.points} | "
        f"{', '.join(f'`{name}`' for name in s.public)} | {_used_in(s, steps)} |\n"
        for s in steps
    )
    return TABLE.sub(lambda _: table, course_map)


def _used_in(step: Step, steps: Iterable[Step]) -> str:
    """Return what needs a step: the steps that build on it, else the end of the course."""
    if step.is_optional:
        return "nothing: skip it if you like"
    users = [str(s.number) for s in steps if step.number in s.builds_on]
    return f"step{'s' * (len(users) > 1)} {', '.join(users)}" if users else "the final test"


def _functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Yield functions and methods in the order of the text, with their qualified names."""

    def walk(nodes: list[ast.stmt], prefix: str) -> Iterator[tuple[str, Function]]:
        for node in nodes:
            if isinstance(node, Function):
                yield prefix + node.name, node
            elif isinstance(node, ast.ClassDef):
                yield from walk(node.body, f"{prefix}{node.name}.")

    return walk(tree.body, "")


def _stub_of(root: Path, step: Step) -> str:
    return stub_text(source_text(root / "solutions" / step.file), step)


def _write(path: Path, before: str | None, text: str, is_kept: bool = False) -> str:
    """Write a text unless it is there already or the file is to be kept; return which of these
    it was.
    """
    if before == text:
        return "up to date"
    if is_kept:
        return "kept"
    path.write_text(text, encoding="utf-8", newline="\n")
    return "written"


def _read(path: Path) -> str | None:
    return source_text(path) if path.is_file() else None
