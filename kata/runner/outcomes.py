"""What a run of a step's tests yields, and what passes between the two ends of the warm runner:
plain data.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

CAN_FORK = hasattr(os, "fork")


@dataclass(frozen=True)
class Outcome:
    """One test: passed, failed or skipped; `error` is the exception's class, `message` its text.

    place: `path:line`, the last line of a file under test in the traceback, or "".
    printed: the end of what the test printed. Both are kept for failed tests only.
    called: the call in which a function of the step raised the error, with its arguments, or "".
    """

    test: str
    outcome: str
    error: str = ""
    message: str = ""
    place: str = ""
    printed: str = ""
    called: str = ""

    @property
    def function(self) -> str:
        """Return the name of the test function, without its parameters."""
        return self.test.partition("[")[0]

    @property
    def said_in_words(self) -> bool:
        """Return whether the test itself says what is wrong, in contrast to a crash."""
        spoken = self.error == "Failed" or (self.error == "AssertionError" and self.message != "")
        return self.outcome == "failed" and spoken


@dataclass(frozen=True)
class PytestJob:
    """A run of pytest in the warm runner: its arguments, and the seconds after which it is ended.

    test_limit: seconds of processor time per test. A test that takes longer fails and ends the run.
    It interrupts Python only (not a call inside a library) and needs alarms (not Windows).
    """

    arguments: tuple[str, ...]
    limit: float = 120.0
    test_limit: float | None = None


@dataclass(frozen=True)
class Call:
    """A function to call in the warm runner: `package.module:function`, with arguments by name.

    Arguments and result are JSON data. lasting: call it in the warm process itself, not in a fork,
    so that what it imports stays imported for all later calls.
    """

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    limit: float = 120.0
    lasting: bool = False


@dataclass(frozen=True)
class Reply:
    """What a call returned, or the `reason` why it returned nothing."""

    value: Any = None
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class PytestResult:
    """The result of a job. `reason` is empty, or says why the run did not finish.

    finding: the diagnosis that was found for it, as plain data, or None.
    """

    outcomes: tuple[Outcome, ...] = ()
    exit_code: int | None = None
    seconds: float = 0.0
    reason: str = ""
    output: str = field(default="", repr=False)
    finding: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict) -> "PytestResult":
        return cls(
            **{**data, "outcomes": tuple(Outcome(**outcome) for outcome in data["outcomes"])}
        )

    @property
    def passed(self) -> bool:
        """Return whether every test passed."""
        return self.exit_code == 0

    @property
    def failures(self) -> list[Outcome]:
        """Return the failed outcomes, in the order of the tests."""
        return [o for o in self.outcomes if o.outcome == "failed"]

    def failed(self, function: str) -> list[Outcome]:
        """Return the failed outcomes of a test function, over all its parameters."""
        return [o for o in self.failures if o.function == function]


def ended(too_late: bool, limit: float = 0.0) -> str:
    """Return the reason why a call did not return."""
    if too_late:
        return f"ended after its limit of {limit:g} s: look for a loop that does not end"
    return "the interpreter itself ended: look for an exit call or a crash"
