"""A stub is its solution with the bodies of all functions cut out; everything around them stays byte for byte."""

import ast
from collections.abc import Iterator
from pathlib import Path

from kata.course.files import source_text
from kata.course.steps import STEPS, Step

Function = ast.FunctionDef | ast.AsyncFunctionDef


def stub_text(solution: str, step: Step) -> str:
    """Return the stub of a solution: each body raises NotImplementedError, which names step and function."""
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
    """Return whether nothing is filled in yet: a stub of this or of an older version of the course."""
    try:
        functions = [function for _, function in _functions(ast.parse(text.removeprefix("\ufeff")))]
    except SyntaxError:
        return False
    return all(
        "NotImplementedError" in ast.unparse(function.body[-1]) for function in functions
    ) and bool(functions)


def stale_stubs(root: Path) -> list[Step]:
    """Return the steps whose file in `exercises/` is not the stub of the solution."""
    return [s for s in STEPS if _read(root / "exercises" / s.file) != _stub_of(root, s)]


def write_stubs(root: Path, folder: Path) -> dict[Step, str]:
    """Write every stub that is missing or untouched into a folder; keep the files that were worked on.

    Return what was done with each step: "written", "up to date" or "kept".
    """
    folder.mkdir(parents=True, exist_ok=True)
    done: dict[Step, str] = {}
    for step in STEPS:
        path, stub = folder / step.file, _stub_of(root, step)
        text = path.read_text(encoding="utf-8") if path.is_file() else None
        if text == stub:
            done[step] = "up to date"
        elif text is not None and not is_untouched(text):
            done[step] = "kept"
        else:
            path.write_text(stub, encoding="utf-8", newline="\n")
            done[step] = "written"
    return done


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


def _read(path: Path) -> str | None:
    return source_text(path) if path.is_file() else None
