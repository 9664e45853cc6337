"""Where a person's submission lies: uploads are joined, the last attempt is chosen, and namesakes
are told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from kata.grade.intake.caps import Budget
from kata.grade.intake.contents import Found, contents
from kata.grade.intake.dates import last_of
from kata.grade.intake.names import folded, listed, printable, shown_name, told_apart
from kata.grade.intake.submission import Submission, sort_out, with_notes
from kata.grade.intake.uploads import Upload


@dataclass(frozen=True)
class Source:
    """Where a person's submission lies. passed_over: attempts before the one that counts."""

    name: str
    person: str = ""
    identifier: str = ""
    late: bool = False
    uploads: tuple[Upload, ...] = ()
    passed_over: tuple[Upload, ...] = ()
    notes: tuple[str, ...] = ()

    def read(self) -> Submission:
        """Return the submission; never raise for what was handed in."""
        submission = with_notes(_sorted_out(self.uploads), self.notes)
        is_empty = not submission.files and not submission.problems
        if self.passed_over and is_empty and _sorted_out(self.passed_over).files:
            note = "the attempt that counts holds no step's file, and an earlier one does"
            submission = with_notes(submission, [note])
        return replace(
            submission,
            name=self.name,
            person=self.person,
            identifier=self.identifier,
            late=self.late,
        )


def joined(uploads: Sequence[Upload]) -> Source:
    """Return the source of one person's uploads: all of them, or those of the last attempt."""
    first = uploads[0]
    attempts = list(dict.fromkeys(u.attempt for u in uploads if u.attempt))
    notes = [u.note for u in uploads if u.note]
    counting = list(uploads)
    if len(attempts) > 1:
        last, unread = last_of(attempts)
        if unread:
            notes.append(f"a date that cannot be read: {listed(unread)}")
        if len(last) == 1:
            counting = [u for u in uploads if u.attempt in ("", *last)]
            others = [text for text in attempts if text not in last]
            notes.append(f"the attempt of {last[0]} counts, not that of {listed(others)}")
        else:
            notes.append(f"which attempt is the last cannot be told: {listed(attempts)}")
    work = tuple(u for u in counting if not u.is_receipt)
    if len(work) > 1:
        notes.append(f"{len(work)} uploads were joined: {listed(u.called for u in work)}")
    return Source(
        shown_name(first.name),
        shown_name(first.person),
        shown_name(first.identifier),
        any(u.late for u in work),
        work,
        tuple(u for u in uploads if u not in counting and not u.is_receipt),
        tuple(notes),
    )


def with_own_names(sources: Sequence[Source]) -> list[Source]:
    """Return the sources by name, each with a name of its own; those whose name changed say why."""
    named = [source if source.name else replace(source, name="unnamed") for source in sources]
    places = [printable(source.uploads[0].path.name) if source.uploads else "" for source in named]
    unique = told_apart([source.name for source in named], places)
    told = []
    for source, name in zip(named, unique, strict=True):
        note = f"more than one submission has the name {source.name}"
        notes = source.notes if name == source.name else (*source.notes, note)
        told.append(replace(source, name=name, notes=notes))
    return sorted(told, key=lambda source: (folded(source.name), source.name))


def _sorted_out(uploads: Sequence[Upload]) -> Submission:
    """What the uploads hold. Files of several attempts are told apart by the attempt's date."""
    several = len({u.attempt for u in uploads}) > 1
    found: list[Found] = []
    whole = set()
    budget = Budget()
    for upload in uploads:
        before = PurePosixPath(upload.attempt) if several else PurePosixPath()
        whole.add(before / upload.called)
        for one in contents(upload.path, upload.called, budget):
            if several or upload.order:
                one = replace(one, place=before / one.place, upload=upload.order)
            found.append(one)
    return sort_out(found, frozenset(whole))
