"""The words of the tests, read from their files: what a criterion asks for and what to try, said once."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Words:
    """What a test says: the property in its docstring, and the first hint that it gives where it is a plain text."""

    must: str
    hint: str = ""


@cache
def words_of(test_file: Path) -> dict[str, Words]:
    """The words of every test of a file, by the name of its function."""
    tree = ast.parse(test_file.read_text(encoding="utf-8"))
    return {
        node.name: Words((ast.get_docstring(node) or "").partition("\n")[0], _first_hint(node))
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def _first_hint(function: ast.FunctionDef) -> str:
    hints = (
        keyword.value.value
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "hint"
        and isinstance(keyword.value, ast.Constant)
        and isinstance(keyword.value.value, str)
    )
    return next(hints, "")
