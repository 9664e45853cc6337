"""The judge: what a submission's answers are worth. It sees tensors and runs no submitted code, and
leaves it to an assessor, which has limits, to look at them.
"""

import hashlib
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from kata.course import KataError
from kata.course.loader import joined_text
from kata.course.steps import GRADED_STEPS, Step, foundations
from kata.course.variants import Mistake, all_mistakes
from kata.criteria.answers import Answers, Decoded
from kata.criteria.verdicts import NOT_WRITTEN, Verdict, criteria_of, verdicts_from
from kata.grade.assessor import SECONDS, AssessorError, Assessors
from kata.grade.intake import Submission
from kata.grade.results import CriterionResult, StepResult, SubmissionResult
from kata.grade.sandbox.client import (
    ENDED,
    SandboxError,
    Sandboxes,
    SandboxJob,
    SandboxReply,
)
from kata.grade.sandbox.isolation import Limits
from kata.grade.words import what_it_raised, why_it_does_not_load

USED_UP = "the time for one submission was used up before it: look for slow code in all its steps"
BROKE_THE_JUDGE = "its answers could not be looked at within the limits"
IN_ALL = 2.0
"""The time that a whole submission has, as a multiple of what one job has."""
SLOW = 10.0
"""So many times the solution's time, and SLOW_SECONDS besides, are worth a note."""
SLOW_SECONDS = 3.0


@dataclass
class _Case:
    """A submission that is being graded. left: seconds; notes: what is worth a look."""

    submission: Submission
    left: float
    notes: list[str] = field(default_factory=list)
    steps: list[StepResult] = field(default_factory=list)

    def spend(self, seconds: float, most: float) -> float:
        """Take off what a job says it took, at most `most`, and return it."""
        spent = seconds if 0 <= seconds <= most else most
        self.left -= spent
        return spent

    def note(self, step: Step, what: str) -> None:
        """Note something about a step, once."""
        if (note := f"step {step.number}: {what}") not in self.notes:
            self.notes.append(note)


class JudgeError(KataError):
    """The course itself is damaged; the message says what to do."""


class Judge:
    """Grades submissions against the solutions, on inputs drawn from a seed. It is thread-safe."""

    def __init__(
        self, root: Path, sandboxes: Sandboxes, seed: int, limits: Limits | None = None
    ) -> None:
        self.root, self.sandboxes, self.seed = root, sandboxes, seed
        self.limits = limits or Limits()
        self._solutions = {
            s.number: (root / "solutions" / s.file).read_bytes() for s in GRADED_STEPS
        }
        handed_out = {s.number: root / "exercises" / s.file for s in GRADED_STEPS}
        self._stubs = {n: path.read_bytes() for n, path in handed_out.items() if path.is_file()}
        self._mistakes = all_mistakes(root)
        self._locks = {s.number: threading.Lock() for s in GRADED_STEPS}
        self._assessors = Assessors()
        weakref.finalize(self, self._assessors.close)
        self._untouched: dict[int, SandboxReply] = {}
        self._reference: dict[int, SandboxReply] = {}
        self._known: dict[int, dict[Mistake, Answers]] = {}

    def grade(self, submission: Submission, key: str = "") -> SubmissionResult:
        """Return a submission's result; if the grader fails, its `error` says why."""
        out_of = float(sum(step.points for step in GRADED_STEPS))
        case = _Case(submission, IN_ALL * self.limits.wall)
        if submission.late:
            case.notes.append("handed in late")
        blank = SubmissionResult(submission.name, key, 0.0, out_of, 0.0, notes=tuple(case.notes))
        if submission.refused:
            return replace(blank, refused=submission.refused)
        try:
            for step in GRADED_STEPS:
                case.steps.append(self._step(step, case))
        except SandboxError as error:
            return replace(blank, error=str(error))
        return replace(
            blank,
            points=round(sum(s.points for s in case.steps), 2),
            assembled=round(sum(s.assembled for s in case.steps), 2),
            notes=tuple(case.notes),
            steps=tuple(case.steps),
        )

    @staticmethod
    def failed(submission: Submission, key: str, error: str) -> SubmissionResult:
        """Return the result of a submission at which the grader failed."""
        out_of = float(sum(step.points for step in GRADED_STEPS))
        return SubmissionResult(submission.name, key, 0.0, out_of, 0.0, error=error)

    def reference(self, step: Step) -> Answers:
        """Return the solution's answers to this run's inputs; raise JudgeError if it fails."""
        return self._solution(step).decoded.answers

    def _solution(self, step: Step) -> SandboxReply:
        with self._locks[step.number]:
            if step.number not in self._reference:
                reply = self._ask(step, self._solutions[step.number])
                wrong = reply.decoded.refused or reply.ended or reply.decoded.broken
                wrong = wrong or next(
                    (f"{n}: {a.error}" for n, a in reply.decoded.answers.items() if a.error), ""
                )
                if wrong or reply.decoded.answers.keys() != criteria_of(step).keys():
                    raise JudgeError(
                        f"solutions/{step.file} fails ({wrong or 'an answer is missing'}): "
                        "take a fresh copy of the course."
                    )
                self._reference[step.number] = reply
            return self._reference[step.number]

    def known(self, step: Step) -> dict[Mistake, Answers]:
        """Return the answers of a step's known mistakes to this run's inputs, computed once."""
        with self._locks[step.number]:
            if step.number not in self._known:
                mistakes = [m for m in self._mistakes if m.step == step]
                with ThreadPoolExecutor(self.sandboxes.workers) as pool:
                    replies = list(pool.map(lambda m: self._ask(step, self._with(m)), mistakes))
                self._known[step.number] = {
                    mistake: reply.decoded.answers
                    for mistake, reply in zip(mistakes, replies, strict=True)
                }
            return self._known[step.number]

    def _with(self, mistake: Mistake) -> bytes:
        return joined_text((self.root / "solutions" / mistake.step.file, mistake.path)).encode()

    def _ask(
        self, step: Step, text: bytes, case: _Case | None = None, assembled: bool = False
    ) -> SandboxReply:
        """Ask one step among those it builds on: the solutions, or, assembled, the person's own.

        case: the submission that pays for the time, if it is one.
        """
        if case and case.left <= 0:
            return SandboxReply(Decoded(), USED_UP, 0.0)
        files = {f"exercises/{step.file}": text}
        for below in foundations(step):
            if not assembled:
                files[f"solutions/{below.file}"] = self._solutions[below.number]
            elif case and below.number in case.submission.files:
                files[f"exercises/{below.file}"] = case.submission.files[below.number]
        limits = self.limits
        if case:
            limits = replace(limits, wall=min(limits.wall, case.left))
        job = SandboxJob(step, files, assembled=assembled, limits=limits)
        reply = self.sandboxes.run(job, seed_of_step(self.seed, step))
        if case:
            reply = replace(reply, seconds=case.spend(reply.seconds, limits.wall))
        return reply

    def _reply(self, step: Step, text: bytes, case: _Case) -> SandboxReply:
        """The reply of a text among the solutions. An untouched stub is asked only once per run."""
        if text != self._stubs.get(step.number):
            return self._ask(step, text, case)
        with self._locks[step.number]:
            if step.number not in self._untouched:
                self._untouched[step.number] = self._ask(step, text)
            return self._untouched[step.number]

    def _step(self, step: Step, case: _Case) -> StepResult:
        blank = StepResult(step.number, 0.0, float(step.points), 0.0, handed_in=False)
        if step.number in case.submission.problems:
            reason = case.submission.problems[step.number]
            case.note(step, reason)
            return replace(blank, reason=reason)
        if step.number not in case.submission.files:
            return replace(blank, reason=f"no {step.file} was handed in")
        blank = replace(blank, handed_in=True)
        try:
            return self._judged(blank, step, case)
        except AssessorError:
            case.spend(2.0 * SECONDS, 2.0 * SECONDS)
            case.note(step, BROKE_THE_JUDGE)
            return replace(blank, reason=BROKE_THE_JUDGE, assembled_reason=BROKE_THE_JUDGE)

    def _judged(self, blank: StepResult, step: Step, case: _Case) -> StepResult:
        """Judge a step that was handed in; raise AssessorError if its answers take too much."""
        text = case.submission.files[step.number]
        reply = self._reply(step, text, case)
        self._look(step, reply, case)
        verdicts, shape = self._verdicts(step, reply, text)
        points = round(step.points * share(verdicts), 2)
        assembled, why = points, ""
        may_differ = _may_differ(step, reply, verdicts, case.steps)
        if may_differ and reply.ended:
            assembled, why = 0.0, reply.ended
        elif may_differ:
            own = self._ask(step, text, case, assembled=True)
            self._look(step, own, case)
            judged, _ = self._verdicts(step, own, text, assembled=True)
            assembled = round(step.points * share(judged), 2)
            why = _reason(step, own, judged, text, assembled=True)
        found, answers = None, reply.decoded.answers
        if any(not v.passed and v.name in answers and v.why != NOT_WRITTEN for v in verdicts):
            reference, known = self.reference(step), self.known(step)
            found = self._assessors.explain(step, answers, reference, known)
        return replace(
            blank,
            points=points,
            assembled=assembled,
            reason=_reason(step, reply, verdicts, text),
            assembled_reason=why,
            criteria=tuple(_as_result(v) for v in verdicts),
            mistakes=tuple(m.name for m in found.mistakes) if found else (),
            diagnosis=found.mistakes[0].diagnosis if found else "",
            concerns=found.of if found else "",
            seconds=round(reply.seconds, 2),
            fingerprint=shape,
        )

    def _verdicts(
        self, step: Step, reply: SandboxReply, text: bytes, assembled: bool = False
    ) -> tuple[list[Verdict], tuple[int, ...]]:
        """The verdicts on a reply, and the fingerprint of its text."""
        answers = reply.decoded.answers
        passed, shape = self._assessors.assess(step, answers, text, self.reference(step))
        verdicts = verdicts_from(
            step, answers, passed, self.root, lambda a, of: what_it_raised(step, a, of, text)
        )
        missing = _silence(step, reply, text, assembled)
        return [v if v.name in answers else replace(v, why=missing) for v in verdicts], shape

    def _look(self, step: Step, reply: SandboxReply, case: _Case) -> None:
        """Note what became of a job, if it is worth a look."""
        usual = self._solution(step).seconds
        if reply.ended:
            case.note(step, reply.ended)
        elif reply.seconds > SLOW_SECONDS + SLOW * usual:
            words = f"slow, {reply.seconds:.0f} s where the solution takes {usual:.1f} s"
            case.note(step, words)


def share(verdicts: Sequence[Verdict]) -> float:
    """Return the share of a step's points that its verdicts earn, 0 to 1.

    Values earn: the weight of the correct ones, as a share of all values. Testimony only costs:
    each that fails takes its share of all criteria off what the values earned.
    """
    values = sum(v.weight for v in verdicts if not v.testimony)
    earned = sum(v.weight for v in verdicts if not v.testimony and v.passed)
    lost = sum(v.weight for v in verdicts if v.testimony and not v.passed)
    return earned / values * (1 - lost / sum(v.weight for v in verdicts)) if values else 0.0


def _may_differ(
    step: Step, reply: SandboxReply, verdicts: Sequence[Verdict], others: Sequence[StepResult]
) -> bool:
    """Whether a step could do otherwise beside the person's own steps than among the solutions.

    Assembled, it reaches those that it builds on and no others, whatever its text says; with full
    marks they are as good as the solutions. others: the results of the steps before it.
    """
    below = {s.number for s in foundations(step)}
    reached = [s for s in others if s.step in below]
    if not reached or all(v.why == NOT_WRITTEN for v in verdicts):
        return False
    return reply.decoded.refused is not None or any(s.assembled != s.out_of for s in reached)


def _silence(step: Step, reply: SandboxReply, text: bytes, assembled: bool = False) -> str:
    """Why questions got no answer."""
    if reply.decoded.refused:
        return why_it_does_not_load(step, reply.decoded.refused, text, assembled)
    if reply.decoded.broken and not reply.ended:
        return f"its answers cannot be read: {reply.decoded.broken}"
    return reply.ended or ENDED["died"]


def _reason(
    step: Step,
    reply: SandboxReply,
    verdicts: Sequence[Verdict],
    text: bytes,
    assembled: bool = False,
) -> str:
    """Why a step lost points, in one sentence; "" if it lost none."""
    failed = [v for v in verdicts if not v.passed]
    if not failed:
        return ""
    if any(v.name not in reply.decoded.answers for v in failed):
        return _silence(step, reply, text, assembled)
    if all(v.why == NOT_WRITTEN for v in verdicts):
        return NOT_WRITTEN
    return f"{len(failed)} of {len(verdicts)} criteria fail"


def _as_result(verdict: Verdict) -> CriterionResult:
    return CriterionResult(
        verdict.name,
        verdict.passed,
        verdict.weight,
        verdict.testimony,
        verdict.words.must,
        verdict.why,
        "" if verdict.passed else verdict.words.hint,
    )


def seed_of_step(seed: int, step: Step) -> int:
    """Return the seed of a step's inputs in a run, 0 .. 2 ** 63 - 1."""
    digest = hashlib.sha256(f"{seed}:{step.number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
