"""One person's submission: of all files found, the text of each step, and what was decided."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from kata.course.steps import GRADED_STEPS, Step
from kata.grade.intake.caps import Unreadable
from kata.grade.intake.contents import Found
from kata.grade.intake.names import listed, printable
from kata.grade.intake.notebooks import steps_in_notebook
from kata.grade.intake.texts import as_python, names_defined, parsed, untouched

NOTES_CAP = 20
NOTE_CAP = 500
OWN_FOLDERS = {"solutions", "tests", "kata", "checkpoints", "figures", "given"}
"""Folders of the course: what lies in them is taken only if nothing else is there."""


@dataclass(frozen=True)
class Submission:
    """One person's texts and problems by step number.

    name: unique in the class; person: the name as it was handed in, "" if it is the same;
    identifier: the platform's, "" if it has none; refused: why nothing could be read; notes: what
    was seen and decided, for a person to look at.
    """

    name: str
    files: Mapping[int, bytes] = field(default_factory=dict)
    problems: Mapping[int, str] = field(default_factory=dict)
    refused: str = ""
    late: bool = False
    person: str = ""
    identifier: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A text that may be a step's, and where it was found. how: what is said if it is taken."""

    step: Step
    found: Found
    text: bytes
    how: str = ""

    @property
    def where(self) -> str:
        """The place, as it may be shown."""
        return printable(str(self.found.place))

    def rank(self, are_stubs: bool) -> tuple[int, ...]:
        """Sorts the intended one first: what can be read and was worked on, outside of the course's
        own folders, under the course's name, handed in last, in `exercises/`, near the top.
        """
        folders = self.found.place.parts[:-1]
        aside = "exercises" not in folders and _is_aside(self.found.place)
        named = self.found.named
        kind = 2 if named.role == "notebook" else 0 if named.exact else 1
        return (
            *(bool(self.found.problem), are_stubs and untouched(self.text), aside, kind),
            *(-self.found.upload, "exercises" not in folders, len(folders), -named.again),
        )


def sort_out(found: Sequence[Found], whole: frozenset[PurePosixPath] = frozenset()) -> Submission:
    """Return the submission that files make, without a name.

    whole: places that are named if nothing was taken from them, whatever they are. Optional
    steps are left out, without a note if there is anything else.
    """
    candidates, notes = _candidates(found)
    files, problems, taken = {}, {}, set()
    for step in GRADED_STEPS:
        if not (of_step := [c for c in candidates if c.step == step]):
            continue
        chosen, said, problem = _choose(of_step)
        notes += said
        if problem:
            problems[step.number] = problem
            taken |= {c.found.place for c in of_step}
        else:
            files[step.number], note = as_python(chosen.text)
            if note:
                notes.append(f"{chosen.where} was read as {note}")
            taken.add(chosen.found.place)
            taken |= {c.found.place for c in of_step}
    if files or problems:
        taken |= {c.found.place for c in candidates if c.step.is_optional}
    unread = [one for one in found if one.problem and one.place not in taken]
    refused = ""
    if unread and not files and not problems:
        refused = _refusal(unread)
    else:
        notes += [_sentence(one) for one in unread]
    left = [one.place for one in found if one.place not in taken and not one.problem]
    notes += _not_taken(found, left, bool(files or problems), whole)
    return Submission("", files, problems, refused, notes=_short(notes))


def _candidates(found: Iterable[Found]) -> tuple[list[Candidate], list[str]]:
    candidates, notes = [], []
    for one in found:
        where = printable(str(one.place))
        if one.named.role == "step" and (one.named.step or one.named.maybe):
            if (step := one.named.step or _by_content(one)) is not None:
                as_course = one.named.exact and not _is_aside(one.place)
                how = "" if as_course else f"{where} was taken as step {step.number}"
                candidates.append(Candidate(step, one, one.text, how))
        elif one.named.role == "notebook" and not one.problem:
            steps = [one.named.step] if one.named.step else list(one.named.maybe)
            try:
                texts = steps_in_notebook(one.text, steps)
            except Unreadable as error:
                notes.append(f"{where}: {error}")
                continue
            for step in (s for s in steps if s.number in texts):
                how = f"the code cells of {where} that define {', '.join(step.public)} were taken as step {step.number}"
                candidates.append(Candidate(step, one, texts[step.number], how))
    return candidates, notes


def _by_content(found: Found) -> Step | None:
    """The step all of whose names a file defines, of those that its name may mean."""
    tree = parsed(as_python(found.text)[0]) if found.text else None
    names = set(names_defined(tree.body)) if tree else set()
    steps = [step for step in found.named.maybe if names.issuperset(step.public)]
    return steps[0] if len(steps) == 1 else None


def _choose(candidates: Sequence[Candidate]) -> tuple[Candidate, list[str], str]:
    """The one that counts, what is said about it, and why none does."""
    several = len({c.text for c in candidates}) > 1
    ranks = {id(c): c.rank(several) for c in candidates}
    best = min(ranks.values())
    first = [c for c in candidates if ranks[id(c)] == best]
    chosen, number = first[0], first[0].step.number
    if len({c.text for c in first}) > 1:
        places = _places(first)
        why = f"it was handed in more than once, with different texts: {places}"
        return chosen, [], why
    if chosen.found.problem:
        return chosen, [], chosen.found.problem
    said = [chosen.how] if chosen.how else []
    others = [c for c in candidates if c.text != chosen.text or c.found.problem]
    if others:
        said.append(f"step {number}: {chosen.where} counts, not {_places(others)}")
    return chosen, said, ""


def _places(candidates: Sequence[Candidate]) -> str:
    return listed(dict.fromkeys(c.where for c in candidates))


def _refusal(unread: Sequence[Found]) -> str:
    """Why nothing could be read, in one sentence; the place is left out if it is all there is."""
    if len(unread) == 1 and len(unread[0].place.parts) <= 1:
        return unread[0].problem
    return listed(map(_sentence, unread), 3)


def _sentence(unread: Found) -> str:
    return f"{printable(str(unread.place))}: {unread.problem}"


def _not_taken(
    found: Sequence[Found],
    left: Sequence[PurePosixPath],
    any_taken: bool,
    whole: frozenset[PurePosixPath],
) -> list[str]:
    """What is said about the files that were seen and not taken."""
    if not any_taken:
        if not found:
            return ["nothing was handed in: it is empty"]
        names = listed(left)
        return [f"no step's file was found; seen and not taken: {names}"] if names else []
    named = {one.place: one.named for one in found}
    worth = [
        place
        for place in left
        if place in whole
        or named[place].role in ("backup", "notebook")
        or (place.suffix.lower() == ".py" and _is_own_work(place))
    ]
    return [f"seen and not taken: {listed(worth)}"] if worth else []


def _is_own_work(place: PurePosixPath) -> bool:
    """Whether a Python file is none of the course's own."""
    of_tools = ("test_", "conftest", "__init__", "setup.")
    return not _is_aside(place) and not place.name.startswith(of_tools)


def _is_aside(place: PurePosixPath) -> bool:
    """Whether a file lies in a hidden folder, or in one of the course's own."""
    folders = [part.lower() for part in place.parts[:-1]]
    return any(part.startswith(".") or part in OWN_FOLDERS for part in folders)


def _short(notes: Iterable[str]) -> tuple[str, ...]:
    """Notes as they may be shown, each and all of them of a bearable length."""
    every = [printable(note)[:NOTE_CAP] for note in dict.fromkeys(notes)]
    more = len(every) - NOTES_CAP
    return tuple(every[:NOTES_CAP]) + ((f"and {more} more notes",) if more > 0 else ())


def with_notes(submission: Submission, before: Iterable[str]) -> Submission:
    """Return a submission with notes before its own."""
    return replace(submission, notes=_short([*before, *submission.notes]))
