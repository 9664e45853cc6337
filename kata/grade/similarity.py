"""How alike two texts are, names and comments left aside: a hint for a person to look, never a score."""

import ast
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from kata.course.files import find_root
from kata.course.steps import STEPS

Sketches = Mapping[int, Sequence[int]]

SHINGLE = 8
SKETCH = 128
ENOUGH = 60
"""Shingles that a text must have for a likeness to say anything."""


def sketch(text: bytes) -> tuple[int, ...]:
    """The smallest hashes of a text's shingles: 8 tokens of its syntax tree, in which all names are one.

    The share of hashes that two sketches have in common estimates that of their shingles (Broder, "On the
    resemblance and containment of documents", 1997). Empty where the text is no Python.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    try:
        tokens = re.findall(r"\w+", ast.dump(_plain(tree), annotate_fields=False))
    except RecursionError:
        return ()
    shingles = {" ".join(tokens[i : i + SHINGLE]) for i in range(len(tokens) - SHINGLE + 1)}
    hashes = (
        int.from_bytes(hashlib.blake2b(s.encode(), digest_size=4).digest(), "big") for s in shingles
    )
    return tuple(sorted(set(hashes))[:SKETCH])


@dataclass(frozen=True)
class Similarity:
    """The submission that is most like one, how much (0 to 1), and how much the solutions are."""

    other: str
    share: float
    solutions: float


def most_similar(everyone: Mapping[str, Sketches]) -> dict[str, Similarity]:
    """For every submission, by name, the one that is most like it; none for those that have too little to say."""
    model = _of_the_solutions()
    found = {}
    for name, own in everyone.items():
        others = (
            (similarity(own, theirs), other) for other, theirs in everyone.items() if other != name
        )
        share, other = max(others, default=(0.0, ""), key=lambda pair: pair[0])
        solutions = similarity(own, model)
        if share or solutions:
            found[name] = Similarity(other if share else "", share, solutions)
    return found


@cache
def _of_the_solutions() -> Sketches:
    folder = find_root() / "solutions"
    return {s.number: sketch((folder / s.file).read_bytes()) for s in STEPS}


def similarity(a: Sketches, b: Sketches) -> float:
    """How alike two submissions are, 0 to 1, over the steps that both have; 0 where those are too short to say."""
    common = union = 0
    for step in a.keys() & b.keys():
        both = sorted({*a[step], *b[step]})[:SKETCH]
        one, other = set(a[step]), set(b[step])
        common += sum(h in one and h in other for h in both)
        union += len(both)
    return common / union if union >= ENOUGH else 0.0


def _plain(tree: ast.AST) -> ast.AST:
    """A tree without docstrings, annotations and the names that a person chooses."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = "x"
        elif isinstance(node, ast.arg):
            node.arg, node.annotation = "x", None
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef | ast.Module):
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:]
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                node.returns = None
    return tree
