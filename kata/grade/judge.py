"""The judge: what a submission's answers are worth. It sees tensors and runs no submitted code."""

import ast
import hashlib
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from kata.course import KataError
from kata.course.loader import joined_text
from kata.course.steps import STEPS, Step
from kata.course.variants import Mistake, all_mistakes
from kata.criteria.answers import Answers
from kata.criteria.diagnosis import Diagnosis, diagnose
from kata.criteria.questions import Answer
from kata.criteria.verdicts import Verdict, criteria_of, right, verdicts_on
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
from kata.grade.similarity import fingerprint

NOT_WRITTEN = "it is not written yet"


class JudgeError(KataError):
    """The course itself is damaged; the message says what to do."""


class Judge:
    """Grades submissions against the solutions, on inputs drawn from a seed. It is thread-safe."""

    def __init__(
        self, root: Path, sandboxes: Sandboxes, seed: int, limits: Limits | None = None
    ) -> None:
        self.root, self.sandboxes, self.seed = root, sandboxes, seed
        self.limits = limits or Limits()
        self._solutions = {s.number: (root / "solutions" / s.file).read_bytes() for s in STEPS}
        handed_out = {s.number: root / "exercises" / s.file for s in STEPS}
        self._stubs = {n: path.read_bytes() for n, path in handed_out.items() if path.is_file()}
        self._mistakes = all_mistakes(root)
        self._locks = {s.number: threading.Lock() for s in STEPS}
        self._untouched: dict[int, SandboxReply] = {}
        self._reference: dict[int, Answers] = {}
        self._known: dict[int, dict[Mistake, Answers]] = {}

    def grade(self, submission: Submission, key: str = "") -> SubmissionResult:
        """Return a submission's result; if the grader fails, its `error` says why."""
        out_of = float(sum(step.points for step in STEPS))
        notes = ["handed in late"] if submission.late else []
        blank = SubmissionResult(submission.name, key, 0.0, out_of, 0.0, notes=tuple(notes))
        if submission.refused:
            return replace(blank, refused=submission.refused)
        try:
            steps: tuple[StepResult, ...] = ()
            for step in STEPS:
                steps += (self._step(step, submission, steps),)
        except SandboxError as error:
            return replace(blank, error=str(error))
        notes += [
            f"step {s.step}: {s.reason}"
            for s in steps
            if (s.reason and s.reason in ENDED.values()) or s.step in submission.problems
        ]
        return replace(
            blank,
            points=round(sum(s.points for s in steps), 2),
            assembled=round(sum(s.assembled for s in steps), 2),
            notes=tuple(notes),
            steps=steps,
        )

    @staticmethod
    def failed(submission: Submission, key: str, error: str) -> SubmissionResult:
        """Return the result of a submission at which the grader failed."""
        out_of = float(sum(step.points for step in STEPS))
        return SubmissionResult(submission.name, key, 0.0, out_of, 0.0, error=error)

    def reference(self, step: Step) -> Answers:
        """Return the solution's answers to this run's inputs; raise JudgeError if it fails."""
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
                self._reference[step.number] = reply.decoded.answers
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

    def _ask(self, step: Step, text: bytes, own: Mapping[int, bytes] | None = None) -> SandboxReply:
        """Ask one step, among the solutions below it; given `own` steps, among those instead."""
        files = {f"exercises/{step.file}": text}
        if own is None:
            files |= {f"solutions/{s.file}": self._solutions[s.number] for s in _below(step)}
        else:
            files |= {f"exercises/{s.file}": own[s.number] for s in STEPS if s.number in own}
        job = SandboxJob(step, files, assembled=own is not None, limits=self.limits)
        return self.sandboxes.run(job, seed_of_step(self.seed, step))

    def _reply(self, step: Step, text: bytes) -> SandboxReply:
        """The reply of a text among the solutions. An untouched stub is asked only once per run."""
        if text != self._stubs.get(step.number):
            return self._ask(step, text)
        with self._locks[step.number]:
            if step.number not in self._untouched:
                self._untouched[step.number] = self._ask(step, text)
            return self._untouched[step.number]

    def _step(self, step: Step, submission: Submission, below: Sequence[StepResult]) -> StepResult:
        blank = StepResult(step.number, 0.0, float(step.points), 0.0, handed_in=False)
        if step.number in submission.problems:
            return replace(blank, reason=submission.problems[step.number])
        if step.number not in submission.files:
            return replace(blank, reason=f"no {step.file} was handed in")
        text = submission.files[step.number]
        reply = self._reply(step, text)
        verdicts = self._verdicts(step, reply)
        written = any(v.why != NOT_WRITTEN for v in verdicts)
        points = round(step.points * share(verdicts), 2)
        assembled, why = points, ""
        # Neighbours with full marks are as good as the solutions: among them nothing would change.
        neighbours = _neighbours(text)
        if written and not all(s.assembled == s.out_of for s in below if s.step in neighbours):
            if reply.ended:
                assembled, why = 0.0, reply.ended
            else:
                own = self._ask(step, text, submission.files)
                judged = self._verdicts(step, own)
                assembled = round(step.points * share(judged), 2)
                why = "" if all(v.passed for v in judged) else _reason(own, judged)
        found = self._diagnosis(step, reply, verdicts)
        return replace(
            blank,
            points=points,
            assembled=assembled,
            handed_in=True,
            reason=_reason(reply, verdicts),
            assembled_reason=why,
            criteria=tuple(_in_words(v) for v in verdicts),
            mistakes=tuple(m.name for m in found.mistakes) if found else (),
            diagnosis=found.mistakes[0].diagnosis if found else "",
            concerns=found.of if found else "",
            seconds=round(reply.seconds, 2),
            fingerprint=fingerprint(text),
        )

    def _verdicts(self, step: Step, reply: SandboxReply) -> list[Verdict]:
        reference = self.reference(step)
        verdicts = verdicts_on(
            step, _readable(step, reply.decoded.answers, reference), reference, self.root
        )
        missing = _reason_for_silence(reply)
        return [
            v if v.passed or v.name in reply.decoded.answers else replace(v, why=missing)
            for v in verdicts
        ]

    def _diagnosis(
        self, step: Step, reply: SandboxReply, verdicts: Sequence[Verdict]
    ) -> Diagnosis | None:
        if all(
            v.passed or v.name not in reply.decoded.answers or v.why == NOT_WRITTEN
            for v in verdicts
        ):
            return None
        reference = self.reference(step)
        answers = _readable(step, reply.decoded.answers, reference)
        return diagnose(step, answers, reference, self.known(step))


def share(verdicts: Sequence[Verdict]) -> float:
    """Return the share of a step's points that its verdicts earn, 0 to 1.

    Values earn: the weight of the correct ones, as a share of all values. Testimony only costs:
    each that fails takes its share of all criteria off what the values earned.
    """
    values = sum(v.weight for v in verdicts if not v.testimony)
    earned = sum(v.weight for v in verdicts if not v.testimony and v.passed)
    lost = sum(v.weight for v in verdicts if v.testimony and not v.passed)
    return earned / values * (1 - lost / sum(v.weight for v in verdicts)) if values else 0.0


def _readable(step: Step, answers: Answers, reference: Answers) -> Answers:
    """The answers, with an error in place of those that no rule can compare."""
    checked = dict(answers)
    for name, criterion in criteria_of(step).items():
        try:
            right(criterion, answers.get(name), reference[name])
        except Exception:
            checked[name] = Answer(error="ValueError", message="what came back has another form")
    return checked


def _reason_for_silence(reply: SandboxReply) -> str:
    """Why questions got no answer."""
    if reply.decoded.refused:
        return reply.decoded.refused
    if reply.decoded.broken and not reply.ended:
        return f"its answers cannot be read: {reply.decoded.broken}"
    return reply.ended or ENDED["died"]


def _reason(reply: SandboxReply, verdicts: Sequence[Verdict]) -> str:
    """Why a step lost points, in one sentence; "" if it lost none."""
    failed = [v for v in verdicts if not v.passed]
    if not failed:
        return ""
    if any(v.name not in reply.decoded.answers for v in failed):
        return _reason_for_silence(reply)
    if all(v.why == NOT_WRITTEN for v in verdicts):
        return NOT_WRITTEN
    return f"{len(failed)} of {len(verdicts)} criteria fail"


def _in_words(verdict: Verdict) -> CriterionResult:
    return CriterionResult(
        verdict.name,
        verdict.passed,
        verdict.weight,
        verdict.testimony,
        verdict.words.must,
        verdict.why,
        "" if verdict.passed else verdict.words.hint,
    )


def _neighbours(text: bytes) -> set[int]:
    """The steps that a file imports from the files next to it."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            found |= {node.module} if node.module else {alias.name for alias in node.names}
    return {s.number for s in STEPS if s.name in found}


def _below(step: Step) -> Sequence[Step]:
    return STEPS[: step.number - 1]


def seed_of_step(seed: int, step: Step) -> int:
    """Return the seed of a step's inputs in a run, 0 .. 2 ** 63 - 1."""
    digest = hashlib.sha256(f"{seed}:{step.number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
