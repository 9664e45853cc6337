"""Names from outside: how they are shown, when two are the same, how namesakes are told apart."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

NAME_CAP = 255
"""The longest name that is shown, in characters; the rest is cut off."""

LITTER = {
    *(".ds_store", ".localized", "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini"),
    *(".directory", ".git", "index.html"),
}
"""What systems and platforms leave beside the submissions: nobody handed it in."""


def printable(name: str) -> str:
    """Return a name as it may be shown: control characters and broken text become escapes."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in name
    )


def shown_name(name: str) -> str:
    """Return a printable name without space around it and at most NAME_CAP characters long."""
    return printable(name.strip())[:NAME_CAP]


def same_name(one: str, other: str) -> bool:
    """Return whether two names are the same, however their accents are encoded and whatever the
    case of their letters.
    """
    return folded(one) == folded(other)


def folded(name: str) -> str:
    """Return what all ways to write a name have in common."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_litter(name: str) -> bool:
    """Return whether an entry is litter, by its name."""
    return name.lower() in LITTER or name.startswith("._")


def told_apart(names: Sequence[str], places: Sequence[str]) -> list[str]:
    """Return unique names: the same if a name is unique already, else with the place, and a number
    if the places are the same too.
    """
    count = Counter(map(folded, names))
    longer = [
        name if count[folded(name)] == 1 else f"{name} ({place})"
        for name, place in zip(names, places, strict=True)
    ]
    taken: set[str] = set()
    return [_free(name, taken) for name in longer]


def shared_start(names: Collection[str], separator: str) -> str:
    """Return what different names begin with, up to a separator; "" if there is only one name."""
    if len(names) < 2:
        return ""
    one, other = min(names), max(names)
    count = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    return one[: one.rfind(separator, 0, count) + 1]


def listed(names: Iterable[object], cap: int = 5) -> str:
    """Return names or places, printable, as a list; after `cap` of them, how many more."""
    every = list(names)
    more = len(every) - cap
    shown = ", ".join(printable(str(name)) for name in every[:cap])
    return shown + (f" and {more:,} more" if more > 0 else "")


def _free(name: str, taken: set[str]) -> str:
    found, number = name, 1
    while folded(found) in taken:
        number += 1
        found = f"{name} #{number}"
    taken.add(folded(found))
    return found
