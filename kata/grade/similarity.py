"""Structural similarity of two submissions, ignoring names and comments.

It is for manual review and never affects a grade.
"""

import ast
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from kata.course.files import find_root
from kata.course.steps import GRADED_STEPS

Fingerprints = Mapping[int, Sequence[int]]

SHINGLE = 8
"""Tokens."""
HASHES = 128
"""The length of a fingerprint."""
LARGE = 10**9
"""Larger whole numbers count as this one: they may have thousands of digits."""
LONGEST = 1 << 18
"""Bytes that a text may have, about twenty times the longest solution."""
ENOUGH = 60
"""Shingles that a text must have for its similarity to mean anything."""


def fingerprint(text: bytes) -> tuple[int, ...]:
    """Return the smallest hashes of a text's shingles: 8 tokens of its tree, all names made equal.

    The share of hashes that two fingerprints have in common estimates that of their shingles
    (Broder, "On the resemblance and containment of documents", 1997). Empty if the text is not
    Python, or longer than LONGEST.
    """
    if len(text) > LONGEST:
        return ()
    try:
        tree = _plain(ast.parse(text))
        tokens = re.findall(r"\w+", ast.dump(tree, annotate_fields=False))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    shingles = {" ".join(tokens[i : i + SHINGLE]) for i in range(len(tokens) - SHINGLE + 1)}
    hashes = (
        int.from_bytes(hashlib.blake2b(s.encode(), digest_size=4).digest(), "big") for s in shingles
    )
    return tuple(sorted(set(hashes))[:HASHES])


@dataclass(frozen=True)
class Similarity:
    """The most similar other submission; share, solutions: how similar it and those are, 0 to 1."""

    other: str
    share: float
    solutions: float


def most_similar(everyone: Mapping[str, Fingerprints]) -> dict[str, Similarity]:
    """Return the most similar submission to each, by name; those that are too short have none."""
    course = _of_the_solutions()
    found = {}
    for name, own in everyone.items():
        others = (
            (similarity(own, theirs), other) for other, theirs in everyone.items() if other != name
        )
        share, other = max(others, default=(0.0, ""), key=lambda pair: pair[0])
        solutions = similarity(own, course)
        if share or solutions:
            found[name] = Similarity(other if share else "", share, solutions)
    return found


@cache
def _of_the_solutions() -> Fingerprints:
    folder = find_root() / "solutions"
    return {s.number: fingerprint((folder / s.file).read_bytes()) for s in GRADED_STEPS}


def similarity(a: Fingerprints, b: Fingerprints) -> float:
    """Return how similar two submissions are in the steps that both have, 0 (or too short) to 1."""
    common = union = 0
    for step in a.keys() & b.keys():
        both = sorted({*a[step], *b[step]})[:HASHES]
        one, other = set(a[step]), set(b[step])
        common += sum(h in one and h in other for h in both)
        union += len(both)
    return common / union if union >= ENOUGH else 0.0


def _plain(tree: ast.AST) -> ast.AST:
    """A tree without docstrings, annotations and the names that its author chose."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = "x"
        elif isinstance(node, ast.Constant) and isinstance(node.value, int):
            node.value = min(node.value, LARGE)
        elif isinstance(node, ast.arg):
            node.arg, node.annotation = "x", None
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef | ast.Module):
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:]
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                node.returns = None
    return tree
