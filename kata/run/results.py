"""What a run of a step's tests came to, as plain data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """One test: passed, failed or skipped; `error` is the exception's class, `message` its text.

    place: `path:line`, the last line of a file under test that the error went through, "" where it went
    through none; printed: the end of what was printed meanwhile. Both are kept of failed tests alone.
    """

    test: str
    outcome: str
    error: str = ""
    message: str = ""
    place: str = ""
    printed: str = ""

    @property
    def function(self) -> str:
        """The name of the test function, without its parameters."""
        return self.test.partition("[")[0]

    @property
    def said_in_words(self) -> bool:
        """Whether the test itself said that something is wrong, rather than stumbled over a crash."""
        return self.outcome == "failed" and self.error in ("AssertionError", "Failed")


@dataclass(frozen=True)
class Job:
    """A run of pytest in the warm runner: its arguments, and the seconds after which it is ended.

    test_limit: the seconds of processor time after which a single test fails, and the run with it; None for
    no such limit. It can interrupt Python alone, and needs a system with alarms (not Windows).
    """

    arguments: tuple[str, ...]
    limit: float = 120.0
    test_limit: float | None = None


@dataclass(frozen=True)
class Call:
    """A function to be called in the warm runner: `package.module:function`, with arguments by name.

    Arguments and result are plain data, as JSON has it. lasting: called in the warm process itself, not in
    a fork of it, so that what it imports is there for all later calls.
    """

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    limit: float = 120.0
    lasting: bool = False


@dataclass(frozen=True)
class Reply:
    """What a call gave back; or `reason`, why it did not."""

    value: Any = None
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Result:
    """What a job came to. `reason` is empty, or says why the job itself did not finish."""

    outcomes: tuple[Outcome, ...] = ()
    exit_code: int | None = None
    seconds: float = 0.0
    reason: str = ""
    output: str = field(default="", repr=False)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict) -> "Result":
        return cls(
            **{**data, "outcomes": tuple(Outcome(**outcome) for outcome in data["outcomes"])}
        )

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return self.exit_code == 0

    @property
    def failures(self) -> list[Outcome]:
        """The failed outcomes, in the order of the tests."""
        return [o for o in self.outcomes if o.outcome == "failed"]

    def failed(self, function: str) -> list[Outcome]:
        """The failed outcomes of a test function, over all of its parameters."""
        return [o for o in self.failures if o.function == function]
