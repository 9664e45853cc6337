"""A stub is its solution with the bodies of all functions cut out; everything around them stays byte for byte."""

import ast
from collections.abc import Iterator
from pathlib import Path

from kata.course.steps import STEPS, Step

Function = ast.FunctionDef | ast.AsyncFunctionDef


def stub_text(solution: str, step: Step) -> str:
    """The stub of a solution's text: each body becomes a NotImplementedError that names the step and the function."""
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
    """Whether a step's text is a stub in which nothing was filled in yet, of this or an older version of the course."""
    try:
        functions = [function for _, function in _functions(ast.parse(text))]
    except SyntaxError:
        return False
    return all(
        "NotImplementedError" in ast.unparse(function.body[-1]) for function in functions
    ) and bool(functions)


def stale_stubs(root: Path) -> list[Step]:
    """The steps whose file in `exercises/` is not the stub of the solution."""
    return [s for s in STEPS if _read(root / "exercises" / s.file) != _stub_of(root, s)]


def write_stubs(root: Path, folder: Path) -> dict[Step, str]:
    """Write every stub that is missing or untouched into a folder; files that were worked on are left alone.

    Returns what was done with each step: "written", "up to date" or "kept".
    """
    folder.mkdir(parents=True, exist_ok=True)
    done: dict[Step, str] = {}
    for step in STEPS:
        path, stub = folder / step.file, _stub_of(root, step)
        text = _read(path)
        if text == stub:
            done[step] = "up to date"
        elif text is not None and not is_untouched(text):
            done[step] = "kept"
        else:
            path.write_text(stub, encoding="utf-8", newline="\n")
            done[step] = "written"
    return done


def _functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Functions and methods in the order of the text, with their qualified names."""

    def walk(nodes: list[ast.stmt], prefix: str) -> Iterator[tuple[str, Function]]:
        for node in nodes:
            if isinstance(node, Function):
                yield prefix + node.name, node
            elif isinstance(node, ast.ClassDef):
                yield from walk(node.body, f"{prefix}{node.name}.")

    return walk(tree.body, "")


def _stub_of(root: Path, step: Step) -> str:
    return stub_text((root / "solutions" / step.file).read_text(encoding="utf-8"), step)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
