"""The screen of `kata watch`: one heading, one footer, and what fits between them."""

from collections.abc import Callable, Mapping
from math import ceil

from rich.console import Console
from rich.text import Text

ORDER = ("heading", "blame", "verdict", "failure", "place", "diagnosis", "note", "next", "keys")
"""The parts of the screen, from top to bottom."""

CUTS = (
    *(("place", 1), ("failure", 5), ("diagnosis", 3)),
    *(("failure", 0), ("diagnosis", 0), ("place", 0), ("note", 5)),
)
"""Which parts are shortened if all is too high, one after another, and the lines that they keep."""


class Screen:
    """What is shown now, part by part. Without a terminal, every part is printed as it comes."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.parts: dict[str, list[str]] = {}

    def put(self, part: str, say: Callable[[Console], object]) -> None:
        """Replace a part by what a function prints, or remove it if that is nothing."""
        if not self.console.is_terminal:
            say(self.console)
            return
        with self.console.capture() as captured:
            say(self.console)
        self.parts[part] = captured.get().strip("\n").splitlines()

    def line(self, part: str, text: str) -> None:
        """Replace a part by one line."""
        self.put(part, lambda console: console.print(Text(text, style="dim")) if text else None)

    def remove(self, part: str) -> None:
        """Remove a part."""
        self.parts.pop(part, None)

    def clear(self) -> None:
        """Remove all parts."""
        self.parts.clear()
        if not self.console.is_terminal:
            self.console.print()

    def show(self, more: str) -> None:
        """Draw the parts on an empty screen; more: the line that ends a part that is cut."""
        if not self.console.is_terminal:
            return
        lines = fitted(self.parts, self.console.height - 1, self.console.width, more)
        self.console.clear()
        text = Text("\n").join(Text.from_ansi(line) for line in lines)
        self.console.print(text, soft_wrap=True, highlight=False)


def fitted(parts: Mapping[str, list[str]], rows: int, width: int, more: str) -> list[str]:
    """Return the lines of all parts, an empty one between two, in at most `rows` rows if possible.

    A part that is cut keeps its first lines, and the line `more` follows. Lines that are wider than
    the screen take several rows. Heading, next command and keys are never cut.
    """
    shown = {name: list(parts[name]) for name in ORDER if parts.get(name)}
    for name, least in CUTS:
        over = _height(shown, width) - rows
        if over <= 0:
            break
        lines = shown.get(name, [])
        kept = list(lines)
        while len(kept) > least and _rows(lines, width) - _rows([*kept, more], width) < over:
            kept.pop()
        while kept and not Text.from_ansi(kept[-1]).plain.strip():
            kept.pop()
        told = any(more in part for other, part in shown.items() if other != name)
        shorter = kept if told else [*kept, more]
        if len(shorter) < len(lines):
            shown[name] = shorter
        shown = {part: lines for part, lines in shown.items() if lines}
    return [line for lines in shown.values() for line in [*lines, ""]][:-1]


def _height(parts: Mapping[str, list[str]], width: int) -> int:
    return sum(_rows(lines, width) + 1 for lines in parts.values()) - 1


def _rows(lines: list[str], width: int) -> int:
    lengths = [Text.from_ansi(line).cell_len for line in lines]
    return sum(max(1, ceil(length / width)) for length in lengths)
