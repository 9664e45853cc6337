"""Steps in notebooks: the code cells that define a step's names, with what they build on."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kata.course.steps import Step
from kata.grade.intake import caps
from kata.grade.intake.caps import Unreadable
from kata.grade.intake.texts import globals_used, names_defined, parsed

MAGIC = re.compile(r"^(\s*)(?:[%!?].*|[\w.]+\?+\s*|\w+\s*=\s*[%!].*)$")
HARMLESS = re.compile(r"\s*%%(?:time|timeit|capture|prun|writefile +\S+\.py)\b")
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
CELLS_CAP = 2_000
STATEMENTS_CAP = 5_000


@dataclass(frozen=True)
class _Cell:
    text: str
    nodes: Sequence[ast.stmt] = ()
    broken: bool = False

    def defines(self, names: Iterable[str]) -> bool:
        """Whether a cell defines one of the names; one that does not parse, by its look."""
        if self.broken:
            look = "|".join(map(re.escape, names))
            return (
                re.search(rf"(?m)^(?:async +)?(?:def|class) +(?:{look})\b", self.text) is not None
            )
        return not set(names).isdisjoint(names_defined(self.nodes))


def steps_in_notebook(notebook: bytes, steps: Sequence[Step]) -> dict[int, bytes]:
    """Return the texts of the steps whose public names a notebook's code cells define, by number.

    A text holds those cells whole, and of the others the imports, and the functions, classes and
    variables that are needed. Magics and shell commands are left out. Raise Unreadable if it is
    no notebook.
    """
    cells = [_cell(source) for source in _sources(notebook)]
    if sum(len(cell.nodes) for cell in cells) > STATEMENTS_CAP:
        raise Unreadable(f"it holds more than {STATEMENTS_CAP:,} statements")
    found = [s for s in steps if any(cell.defines(s.public) for cell in cells)]
    try:
        return {step.number: _text_of(cells, step) for step in found}
    except RecursionError:
        raise Unreadable("its code is nested too deeply") from None


def _sources(notebook: bytes) -> list[str]:
    try:
        content = json.loads(notebook.decode("utf-8-sig"))
    except (ValueError, RecursionError, MemoryError):
        raise Unreadable("it is no notebook: it cannot be read as JSON") from None
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("it is no notebook: it holds no cells")
    if len(cells) > CELLS_CAP:
        raise Unreadable(f"it holds more than {CELLS_CAP:,} cells")
    sources = [
        "".join(part for part in source if isinstance(part, str))
        for cell in cells
        if isinstance(cell, dict) and cell.get("cell_type") == "code"
        if isinstance(source := cell.get("source"), str | list)
    ]
    if sum(map(len, sources)) > caps.FILE_CAP:
        raise Unreadable(f"its code is larger than {caps.size_of(caps.FILE_CAP)}")
    return sources


def _cell(source: str) -> _Cell:
    if source.lstrip().startswith("%%") and not HARMLESS.match(source):
        return _Cell("")  # another language
    if (tree := parsed(source)) is None:
        source = "\n".join(MAGIC.sub(r"\1pass", line) for line in source.split("\n"))
        tree = parsed(source)
    return _Cell(source, broken=True) if tree is None else _Cell(source, tree.body)


def _text_of(cells: Sequence[_Cell], step: Step) -> bytes:
    whole = {number for number, cell in enumerate(cells) if cell.defines(step.public)}
    pieces = [(n, node) for n, cell in enumerate(cells) if n not in whole for node in cell.nodes]
    texts = [(n, cells[n].text) for n in whole]
    texts += [(pieces[at][0], text) for at, text in _needed(pieces, [t for _, t in texts])]
    lines = "\n\n".join(text for _, text in sorted(texts, key=lambda piece: piece[0]))
    return _future_first(lines).encode("utf-8", "replace")


def _needed(pieces: Sequence[tuple[int, ast.stmt]], texts: Sequence[str]) -> list[tuple[int, str]]:
    """The statements that the texts need, by their place: all imports, and what defines a global
    that is used, by the texts or by a needed statement.
    """
    defining = defaultdict(list)
    waiting = []
    for at, (_, node) in enumerate(pieces):
        if isinstance(node, ast.Import | ast.ImportFrom):
            waiting.append(at)
        elif isinstance(node, DEFINITIONS):
            for name in names_defined([node]):
                defining[name].append(at)
    for text in texts:
        waiting += [at for name in globals_used(text) for at in defining.pop(name, [])]
    taken: dict[int, str] = {}
    while waiting:
        at = waiting.pop()
        if at not in taken:
            taken[at] = ast.unparse(pieces[at][1])
            waiting += [a for name in globals_used(taken[at]) for a in defining.pop(name, [])]
    return sorted(taken.items())


def _future_first(text: str) -> str:
    """Imports from __future__ stand before all others."""
    line = re.compile(r"(?m)^from __future__ import .*$")
    return "\n".join([*line.findall(text), line.sub("", text)])
