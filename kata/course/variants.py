"""Known wrong answers, and right answers in other styles: small files that are read by path.

A mistake's docstring opens with the diagnosis told to a learner, in one paragraph, and then has
fields, a line or more each:

    Seen in: where it was seen in public, or "our own thinking"
    Caught by: the names of the tests that must say that it is wrong
    Crashes: (only where it does) the error by which it shows
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from kata.course.steps import STEPS, Step

FIELD = re.compile(r"^(Seen in|Caught by|Crashes):", re.MULTILINE)


@dataclass(frozen=True)
class Mistake:
    """A known wrong answer to a step."""

    step: Step
    path: Path
    diagnosis: str
    seen_in: str
    caught_by: tuple[str, ...]
    crashes: str

    @property
    def name(self) -> str:
        """`step03/scale_from_conditional`"""
        return f"{self.step.folder}/{self.path.stem}"


def read_mistake(path: Path, step: Step) -> Mistake:
    """Read a mistake from its file. Raise ValueError, one sentence, if its docstring is
    incomplete.
    """
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    parts = FIELD.split(docstring)
    fields = {
        name: " ".join(text.split()) for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    caught_by = tuple(re.split(r"[,\s]+", fields.get("Caught by", "").strip(" .")))
    diagnosis = first_paragraph(parts[0])
    if not diagnosis or not fields.get("Seen in") or not all(caught_by):
        raise ValueError(
            f"{path}: the docstring must hold a diagnosis, 'Seen in:' and 'Caught by:'."
        )
    return Mistake(step, path, diagnosis, fields["Seen in"], caught_by, fields.get("Crashes", ""))


def first_paragraph(docstring: str) -> str:
    """Return the first paragraph of a docstring as one line."""
    return " ".join(docstring.strip().partition("\n\n")[0].split())


def all_mistakes(root: Path) -> list[Mistake]:
    """Return every known mistake, by step and name."""
    return [read_mistake(path, step) for step in STEPS for path in variants(root, "mistakes", step)]


def variants(root: Path, kind: str, step: Step) -> list[Path]:
    """Return the files of a step's `mistakes` or `alternatives`, sorted by name."""
    return sorted((root / "tests" / kind / step.folder).glob("*.py"))
