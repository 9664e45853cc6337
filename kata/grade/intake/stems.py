"""Which step a file's name means, and how plainly."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from kata.course.steps import STEPS, Step
from kata.grade.intake.archives import archive_ending

PYTHON = re.compile(r"(?i)(?:\.pyw?|\.py\.(?:py|txt|text))$")
NOTEBOOK = re.compile(r"(?i)\.ipynb(?:\.(?:txt|json))?$")
TEXT = re.compile(r"(?i)(?:\.txt|^[^.]+)$")
BACKUP = re.compile(
    r"(?i)(?:\.(?:bak|orig|old|save|sw[op]|tmp|rej)(?:[-._ ]?\d[-._\d]*)?|~|#|-checkpoint\.(?:py|ipynb))$"
)
TESTS = re.compile(r"\btests?\b")
WORDS = {s.number: re.compile(" ?".join(s.name.split("_")[1:])) for s in STEPS}
PLAIN = {
    s.number: re.compile(rf"(?<![a-z0-9])step ?0*{s.number} ?{WORDS[s.number].pattern}(?![a-z])")
    for s in STEPS
}
NUMBER = re.compile(r"(?:step|^| )0*(\d{1,3})(?!\d)")
ANY = re.compile("|".join(words.pattern for words in WORDS.values()))


@dataclass(frozen=True)
class Named:
    """What a file's name says.

    role: "step", "notebook", "archive", "backup", or "other"; step: the one that the name means,
    None if its content must tell; maybe: the steps that it can be then; exact: whether it is the
    course's own name; again: the number of a further upload or copy, 2 in `step03_guidance-2.py`;
    rest: the words besides the step's name, in small letters.
    """

    role: str
    step: Step | None = None
    maybe: tuple[Step, ...] = ()
    exact: bool = False
    again: int = 0
    rest: str = ""


@lru_cache(maxsize=4096)
def read_file_name(name: str) -> Named:
    """Return what a file's name says, its folders left aside."""
    if archive_ending(name):
        return Named("archive")
    if BACKUP.search(name) or name.startswith(".#"):
        return Named("backup")
    for role, ending in (("step", PYTHON), ("notebook", NOTEBOOK), ("step", TEXT)):
        if match := ending.search(name):
            stem = name if ending is TEXT and "." not in name else name[: match.start()]
            return _named(role, name, stem, doubtful=ending is TEXT)
    return Named("other")


def _named(role: str, name: str, stem: str, doubtful: bool) -> Named:
    words = re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", stem).casefold()).strip()
    has_words = ANY.search(words) is not None
    plain = [(s, m) for s in STEPS if has_words and (m := PLAIN[s.number].search(words))]
    if plain and TESTS.search(words):
        return Named("other")
    if len(plain) == 1 and not doubtful:
        step, match = plain[0]
        after = words[match.end() :].strip()
        again = int(after) if re.fullmatch(r"\d{1,3}", after) else 0
        own = re.escape(step.name) + r"(?:[-_ ]?\(?\d{1,3}\)?)?\.py"
        rest = f"{words[: match.start()]} {after}".strip()
        exact = re.fullmatch(own, name) is not None
        return Named(role, step, exact=exact, again=again, rest=rest)
    numbers = set(map(int, NUMBER.findall(words)))
    maybe = tuple(
        s for s in STEPS if s.number in numbers or (has_words and WORDS[s.number].search(words))
    )
    if role == "step" and not maybe:
        return Named("other")
    return Named(role, maybe=maybe or STEPS)
