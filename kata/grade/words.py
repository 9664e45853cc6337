"""The course's own words for what a submission did: from a sandbox they use the class of an error
and the number of a line; the line itself is read from what was handed in.
"""

import re

from kata.course.loader import LoadFault, missing_dot, missing_step
from kata.course.steps import STEPS, Step
from kata.criteria.questions import NOT_DEFINED, Answer

LINE_CAP = 100
"""Characters of a line that are shown."""


def why_it_does_not_load(step: Step, fault: LoadFault, text: bytes, assembled: bool) -> str:
    """Return a sentence about a file that does not load. assembled: beside the person's own."""
    place = f"{step.file}, line {fault.line}" if _line(text, fault.line) else step.file
    line = _line(text, fault.line)
    if fault.code == "syntax":
        if not _is_utf8(text):
            return f"{step.file} is no utf-8 text: save it as UTF-8."
        return f"{place}: syntax error{_quoted(line)}."
    named = next((s.name for s in STEPS if re.search(rf"\b{s.name}\b", line)), "")
    if fault.code == "no dot" and named:
        return missing_dot(f"{place},", named)
    if fault.code == "neighbour":
        return missing_step(f"{place},", named or "a step", assembled)
    module = re.match(r"\s*(?:from|import)\s+([\w.]+)", line)
    if fault.error == "ModuleNotFoundError" and module:
        name = module[1][:LINE_CAP]
        return f"{place}: No module named '{name}' is installed here, or one that it needs."
    return f"{step.file} does not load: {_raised(fault.error, fault.line, text)}."


def what_it_raised(step: Step, answer: Answer, of: str, text: bytes) -> str:
    """Return what became of a question about a public name, whose answer is an error."""
    if answer.error == NOT_DEFINED:
        return f"{step.file} defines no {of}"
    return _raised(answer.error, answer.line, text)


def _raised(error: str, number: int, text: bytes) -> str:
    line = _line(text, number)
    who = f"line {number}" if line else "it"
    return f"{who} raised {error or 'an error'}{_quoted(line)}"


def _quoted(line: str) -> str:
    return f": `{line}`" if line else ""


def _line(text: bytes, number: int) -> str:
    """A line of a text, without what cannot be printed; "" if it has none of that number."""
    lines = re.split(r"\r\n|\r|\n", text.decode("utf-8-sig", "replace"))
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line[:LINE_CAP])
    return shown + ("..." if len(line) > LINE_CAP else "")


def _is_utf8(text: bytes) -> bool:
    """Whether a text is UTF-8, or says in its first two lines what else it is."""
    if b"coding" in b"".join(text.splitlines()[:2]):
        return True
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
