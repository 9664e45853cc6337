"""Results as plain data: what a submission earned and why, and the files that hold it."""

import hashlib
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kata.course.steps import GRADED_STEPS
from kata.grade.output import sealed, unsealed, write_report

VERSION = 2
NOT_YET = "it is not graded yet: go on with --resume"
SCHEMA = Path(__file__).with_name("result.schema.json")


@dataclass(frozen=True)
class CriterionResult:
    """One criterion. must, why, hint: what must hold, what happened, and what to try."""

    name: str
    passed: bool
    weight: float
    testimony: bool
    must: str
    why: str = ""
    hint: str = ""


@dataclass(frozen=True)
class StepResult:
    """One step. assembled: its points among the learner's own steps; fingerprint: of its text."""

    step: int
    points: float
    out_of: float
    assembled: float
    handed_in: bool
    reason: str = ""
    assembled_reason: str = ""
    criteria: tuple[CriterionResult, ...] = ()
    mistakes: tuple[str, ...] = ()
    diagnosis: str = ""
    concerns: str = ""
    seconds: float = 0.0
    fingerprint: tuple[int, ...] = ()


@dataclass(frozen=True)
class SubmissionResult:
    """A whole submission.

    error: why the grader failed, or NOT_YET; refused: why nothing could be read; notes: what to
    review; person, identifier: as handed in, "" if not known; origin: that of its GradingRun.
    """

    name: str
    key: str
    points: float
    out_of: float
    assembled: float
    error: str = ""
    refused: str = ""
    notes: tuple[str, ...] = ()
    steps: tuple[StepResult, ...] = ()
    isolation: str = ""
    not_prevented: tuple[str, ...] = ()
    person: str = ""
    identifier: str = ""
    late: bool = False
    origin: str = ""
    version: int = VERSION

    @property
    def status(self) -> str:
        """ "graded", "refused", "not_graded" yet, or "grader_error" if the grader itself failed."""
        if self.error:
            return "not_graded" if self.error == NOT_YET else "grader_error"
        return "refused" if self.refused else "graded"

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "status": self.status}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "SubmissionResult":
        """Return the result in a dictionary; raise ValueError if there is none of this version."""
        if not isinstance(data, dict) or data.get("version") != VERSION:
            raise ValueError("the result is of another version of kata")
        try:
            steps = tuple(
                StepResult(
                    **{
                        **step,
                        "criteria": tuple(CriterionResult(**c) for c in step["criteria"]),
                        "mistakes": tuple(step["mistakes"]),
                        "fingerprint": tuple(step["fingerprint"]),
                    }
                )
                for step in data["steps"]
            )
            fields = {k: v for k, v in data.items() if k not in ("status", "digest")}
            fields |= {k: tuple(data[k]) for k in ("notes", "not_prevented")}
            return cls(**{**fields, "steps": steps})
        except (KeyError, TypeError) as error:
            raise ValueError(f"the result lacks something: {error}") from None


@dataclass(frozen=True)
class GradingRun:
    """What all results of a run share.

    everyone: the names of the whole class, in order; left: what was seen and not taken, each a
    place and why; shard: "I/N", or "" for all.
    """

    seed: int
    isolation: str
    course: str
    layers: tuple[dict[str, Any], ...] = ()
    shard: str = ""
    source: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    platform: str = ""
    everyone: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()
    version: int = VERSION

    @property
    def not_prevented(self) -> tuple[str, ...]:
        """What the isolation does not prevent, in words."""
        return tuple(str(layer["words"]) for layer in self.layers if not layer["holds"])

    @property
    def origin(self) -> str:
        """A digest of what all results of one table have in common: course, isolation and seed."""
        text = f"{self.course} {self.isolation} {self.seed}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def part(self) -> tuple[int, int]:
        """Which part of the class it grades: I and N, (1, 1) for all."""
        index, count = (self.shard or "1/1").split("/")
        return int(index), int(count)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The names that it has to grade."""
        index, count = self.part
        return self.everyone[index - 1 :: count]

    @classmethod
    def read(cls, folder: Path) -> "GradingRun":
        """Return the run of an output folder; raise ValueError if it holds none."""
        try:
            data = unsealed((folder / "run.json").read_text(encoding="utf-8"))
            if data["version"] != VERSION:
                raise ValueError("it was written by another version of kata")
            lists = {name: tuple(data[name]) for name in ("layers", "everyone")}
            return cls(**{**data, **lists, "left": tuple((p, why) for p, why in data["left"])})
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder} holds no run that can be read: {error}") from None

    def write(self, folder: Path) -> None:
        """Write it into an output folder; raise OutputError."""
        write_report(folder / "run.json", sealed(asdict(self)))

    def results(self, folder: Path) -> list[SubmissionResult]:
        """Return one result per name that it has to grade, in order; those not graded yet say so.

        Results of another course, seed or isolation do not count.
        """
        there = load_results(folder)
        out_of = float(sum(step.points for step in GRADED_STEPS))
        missing = {
            name: SubmissionResult(name, "", 0.0, out_of, 0.0, error=NOT_YET)
            for name in self.wanted
        }
        known = {n: r for n, r in there.items() if n in missing and r.origin == self.origin}
        return sorted((missing | known).values(), key=lambda r: (r.name.casefold(), r.name))


def slug(name: str) -> str:
    """Return a plain file name for a submission's name.

    Different names have different ones, even where case does not count.
    """
    plain = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("._")[:50]
    if plain and plain == name == name.lower() and not _SPECIAL.fullmatch(name):
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{plain or 'submission'}-{digest[:16]}"


_SPECIAL = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*-[0-9a-f]{16}")
"""Names that Windows reserves, and those that look like the slug of another name."""


def result_path(folder: Path, name: str) -> Path:
    """Return the file of a submission's result in an output folder."""
    return folder / "results" / f"{slug(name)}.json"


def save_result(folder: Path, result: SubmissionResult) -> None:
    """Write a submission's result; raise OutputError."""
    write_report(result_path(folder, result.name), sealed(result.to_dict()))


def load_results(folder: Path) -> dict[str, SubmissionResult]:
    """Return all results of an output folder by name; skip damaged files, copies of files, and
    other versions.
    """
    found = {}
    for path in sorted((folder / "results").glob("*.json")):
        try:
            result = SubmissionResult.from_dict(unsealed(path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
        if path.name == result_path(folder, result.name).name:
            found[result.name] = result
    return dict(sorted(found.items(), key=lambda item: (item[0].casefold(), item[0])))
