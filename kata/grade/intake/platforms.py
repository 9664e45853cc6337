"""The naming schemes of learning platforms: whose an entry is, told by its name."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from kata.grade.intake.dates import read_date
from kata.grade.intake.names import folded, shared_start
from kata.grade.intake.stems import read_file_name
from kata.grade.intake.uploads import Entry, Upload, read_start

CANVAS = re.compile(
    r"^(?:anon_(?P<blind>\w{5})(?:_(?P<late2>LATE))?|(?P<who>.+?)(?:_(?P<late>LATE))?_(?P<user>\d+))"
    r"(?:_(?P<upload>\d+))?_(?P<file>.+)$"
)
MOODLE = re.compile(
    r"^(?P<who>.+?)_(?P<user>\d+)_(?:assignsubmission|assignfeedback)_[a-z]+_?(?P<file>.*)$"
)
BLACKBOARD = re.compile(
    r"^(?P<head>.+)_[^\W\d_]+_(?P<date>\d{4}(?:-\d\d){5})(?:(?P<receipt>\.txt)|_(?P<file>.+))?$"
)
RECEIPT = re.compile(r"^[^:\n]{1,20}: *(?P<who>[^\n]*?) *\((?P<user>[^()\s]+)\) *$", re.MULTILINE)
RECEIPT_CAP = 16 << 10
BRIGHTSPACE = re.compile(r"^(?P<key>(?P<user>\d+)-\d+) - (?P<rest>.+)$")

Reader = Callable[[Entry], Upload | None]


def canvas_upload(entry: Entry) -> Upload | None:
    """Return whose a file of Canvas is: `name_LATE_user_upload_file`, `anon_code_upload_file`."""
    match = CANVAS.match(entry.name) if entry.kind in ("file", "archive") else None
    if match is None:
        return None
    user, called = match["user"] or match["blind"], match["file"]
    person = match["who"] or f"anon {user}"
    if read_file_name(f"{person}.py").step is not None:
        return None  # a step's file with numbers after its name
    if not match["upload"] and not _stands_alone(called):
        return None
    return Upload(
        *(entry.path, "canvas", f"canvas {person} {user}"),
        name=f"{person} {user}" if match["user"] else person,
        person=person,
        identifier=user,
        late=bool(match["late"] or match["late2"]),
        called=called,
        order=int(match["upload"] or 0),
    )


def _stands_alone(called: str) -> bool:
    """Whether a name after a single number is what Canvas writes, or a step's file."""
    return called in ("text.html", "link.html") or read_file_name(called).step is not None


def moodle_upload(entry: Entry) -> Upload | None:
    """Return whose an entry of Moodle is: `Name_participant_assignsubmission_file_`, a folder or
    the beginning of a file's name.
    """
    match = MOODLE.match(entry.name)
    if match is None:
        return None
    return Upload(
        *(entry.path, "moodle", f"moodle {folded(match['who'])} {match['user']}"),
        name=f"{match['who']} {match['user']}",
        person=match["who"],
        identifier=match["user"],
        called=match["file"] or entry.name,
    )


def brightspace_upload(entry: Entry) -> Upload | None:
    """Return whose an entry of Brightspace is: `user-folder - Name - date`, a folder or the
    beginning of a file's name.
    """
    match = BRIGHTSPACE.match(entry.name)
    if match is None:
        return None
    parts = match["rest"].split(" - ")
    called = entry.name
    if entry.kind not in ("folder", "link"):
        whole = entry.stem.split(" - ")[1:]
        if len(whole) > 1 and _is_date(whole[-1]):
            parts = whole  # an archive of what would be a folder
        else:
            at = next((n for n in range(1, len(parts) - 1) if _is_date(parts[n])), 1)
            at = min(at, len(parts) - 1)
            split = at + 1 if at + 1 < len(parts) else at
            called = " - ".join(parts[split:]) or entry.name
            parts = parts[:split] or parts
    person = " - ".join(parts[:-1]) if len(parts) > 1 else parts[0]
    return Upload(
        *(entry.path, "brightspace", f"brightspace {match['key']} {folded(person)}"),
        name=f"{person} {match['user']}",
        person=person,
        identifier=match["user"],
        called=called,
        attempt=parts[-1] if len(parts) > 1 else "",
    )


def _is_date(text: str) -> bool:
    return read_date(text) != (None, None)


def blackboard_reader(entries: Sequence[Entry]) -> Reader:
    """Return a function that tells whose an entry of Blackboard is:
    `Assignment_user_attempt_2025-11-01-10-00-00_file`, with a receipt `... .txt` per attempt.

    Both the assignment and the user may have underscores in their names. A receipt tells them
    apart; without one, the assignment is what all names begin with.
    """
    matches = [(entry, m) for entry in entries if (m := BLACKBOARD.match(entry.name))]
    heads = {match["head"] for _, match in matches}
    shared = shared_start(heads, "_")
    people: dict[str, tuple[str, str]] = {}
    for entry, match in matches:
        if match["receipt"] and match["head"] not in people and (told := _receipt(entry.path)):
            people[match["head"]] = told

    def read(entry: Entry) -> Upload | None:
        match = BLACKBOARD.match(entry.name)
        if match is None:
            return None
        head = match["head"]
        guess = head.removeprefix(shared) if shared else head.rpartition("_")[2]
        person, user = people.get(head, ("", guess or head))
        return Upload(
            *(entry.path, "blackboard", f"blackboard {head}"),
            name=f"{person} {user}".strip(),
            person=person,
            identifier=user,
            called=match["file"] or entry.name,
            attempt=match["date"],
            is_receipt=bool(match["receipt"]),
        )

    return read


def _receipt(path: Path) -> tuple[str, str] | None:
    """The person and the user's name in the first lines of a receipt."""
    start = read_start(path, RECEIPT_CAP).decode("utf-8-sig", "replace")
    match = RECEIPT.search("\n".join(start.splitlines()[:3]))
    return (match["who"], match["user"]) if match else None
