"""What a run of a step's tests came to, as plain data."""

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Outcome:
    """One test: passed, failed or skipped; `error` is the exception's class, `message` its text."""

    test: str
    outcome: str
    error: str = ""
    message: str = ""

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
    """A run of pytest in the warm runner: its arguments, and the seconds after which it is ended."""

    arguments: tuple[str, ...]
    limit: float = 120.0


@dataclass(frozen=True)
class Result:
    """What a job came to. `reason` is empty, or says why the job itself did not finish."""

    outcomes: tuple[Outcome, ...] = ()
    exit_code: int | None = None
    seconds: float = 0.0
    reason: str = ""
    output: str = field(default="", repr=False)

    def to_dict(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict) -> "Result":
        return cls(
            **{**data, "outcomes": tuple(Outcome(**outcome) for outcome in data["outcomes"])}
        )

    def failed(self, function: str) -> list[Outcome]:
        """The failed outcomes of a test function, over all of its parameters."""
        return [o for o in self.outcomes if o.function == function and o.outcome == "failed"]
