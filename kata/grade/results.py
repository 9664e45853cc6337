"""Results as plain data: what a submission earned and why, and the files that hold it."""

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

    error: why the grader failed; refused: why nothing could be read; notes: what to review.
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
    version: int = VERSION

    @property
    def status(self) -> str:
        """ "graded", "refused", or "grader_error" if the grader itself failed."""
        return "grader_error" if self.error else "refused" if self.refused else "graded"

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
                for step in map(_renamed, data["steps"])
            )
            fields = {k: v for k, v in data.items() if k != "status"}
            fields |= {k: tuple(data[k]) for k in ("notes", "not_prevented")}
            return cls(**{**fields, "steps": steps})
        except (KeyError, TypeError) as error:
            raise ValueError(f"the result lacks something: {error}") from None


def _renamed(step: dict[str, Any]) -> dict[str, Any]:
    """A step's fields by today's names: the fingerprint was called a sketch once."""
    return {"fingerprint" if name == "sketch" else name: v for name, v in step.items()}


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
        """What the isolation does not prevent, in words."""
        return tuple(str(layer["words"]) for layer in self.layers if not layer["holds"])

    @classmethod
    def read(cls, folder: Path) -> "GradingRun":
        """Return the run of an output folder; raise ValueError if it holds none."""
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
    """Return a plain file name for a submission's name, and different ones for different names."""
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
    """Write a file of an output folder atomically and durably; make its folder if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text, durable=True)


def result_path(folder: Path, name: str) -> Path:
    """Return the file of a submission's result in an output folder."""
    return folder / "results" / f"{slug(name)}.json"


def save_result(folder: Path, result: SubmissionResult) -> None:
    """Write a submission's result."""
    write_report(result_path(folder, result.name), json.dumps(result.to_dict(), indent=1) + "\n")


def load_results(folder: Path) -> dict[str, SubmissionResult]:
    """Return all results of an output folder by name; skip files of other versions."""
    found = {}
    for path in sorted((folder / "results").glob("*.json")):
        try:
            result = SubmissionResult.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
        found[result.name] = result
    return dict(sorted(found.items(), key=lambda item: item[0].casefold()))
