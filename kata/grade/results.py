"""Results as plain data: what a submission earned and why, in a file that is whole or not there."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kata.course.files import write_atomic

VERSION = 1
SCHEMA = Path(__file__).with_name("result.schema.json")


@dataclass(frozen=True)
class CriterionResult:
    """One criterion: passed or not, and in the learner's words what must hold, what happened, and what to try."""

    name: str
    passed: bool
    weight: float
    testimony: bool
    must: str
    why: str = ""
    hint: str = ""


@dataclass(frozen=True)
class StepResult:
    """One step of a submission. assembled: points among the person's own steps; sketch: of its text, for similarity."""

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
    sketch: tuple[int, ...] = ()


@dataclass(frozen=True)
class SubmissionResult:
    """All of a submission. error: why the grader failed; refused: why it cannot be read; notes: what to look at."""

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
    version: int = VERSION

    @property
    def status(self) -> str:
        """ "graded", "refused", or "grader_error" where the fault is the grader's own."""
        return "grader_error" if self.error else "refused" if self.refused else "graded"

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "status": self.status}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "SubmissionResult":
        """The result of such a dictionary; ValueError where it is of another version or no result."""
        if not isinstance(data, dict) or data.get("version") != VERSION:
            raise ValueError("the result is of another version of kata")
        try:
            steps = tuple(
                StepResult(
                    **{
                        **step,
                        "criteria": tuple(CriterionResult(**c) for c in step["criteria"]),
                        "mistakes": tuple(step["mistakes"]),
                        "sketch": tuple(step["sketch"]),
                    }
                )
                for step in data["steps"]
            )
            told = {k: v for k, v in data.items() if k != "status"}
            told |= {k: tuple(data[k]) for k in ("notes", "not_prevented")}
            return cls(**{**told, "steps": steps})
        except (KeyError, TypeError) as error:
            raise ValueError(f"the result lacks something: {error}") from None


@dataclass(frozen=True)
class GradingRun:
    """What all results of a run share."""

    seed: int
    isolation: str
    course: str
    layers: tuple[dict[str, Any], ...] = ()
    shard: str = ""
    source: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    version: int = VERSION

    @property
    def not_prevented(self) -> tuple[str, ...]:
        """In words, what the isolation does not prevent."""
        return tuple(str(layer["words"]) for layer in self.layers if not layer["holds"])

    @classmethod
    def read(cls, folder: Path) -> "GradingRun":
        """The run of an output folder; ValueError where there is none."""
        try:
            data = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            if data["version"] != VERSION:
                raise ValueError("it was written by another version of kata")
            return cls(**{**data, "layers": tuple(data["layers"])})
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder} holds no run that can be read: {error}") from None

    def write(self, folder: Path) -> None:
        write_report(folder / "run.json", json.dumps(asdict(self), indent=1) + "\n")


def slug(name: str) -> str:
    """A file name for a submission's name, whatever that holds: different for different names."""
    plain = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("._")[:60]
    if (
        plain
        and plain == name
        and not re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name)
    ):
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{plain or 'submission'}-{digest[:8]}"


def write_report(path: Path, text: str) -> None:
    """Write a file of an output folder, whole and on the disk; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text, durable=True)


def result_path(folder: Path, name: str) -> Path:
    """Where a submission's result lies in an output folder."""
    return folder / "results" / f"{slug(name)}.json"


def save_result(folder: Path, result: SubmissionResult) -> None:
    """Write a submission's result."""
    write_report(result_path(folder, result.name), json.dumps(result.to_dict(), indent=1) + "\n")


def load_results(folder: Path) -> dict[str, SubmissionResult]:
    """All results of an output folder by name; files that are no results of this version are passed over."""
    found = {}
    for path in sorted((folder / "results").glob("*.json")):
        try:
            result = SubmissionResult.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
        found[result.name] = result
    return dict(sorted(found.items(), key=lambda item: item[0].casefold()))
