"""The judge: its words are the course's own, its time and memory are bounded whatever comes out of
a sandbox, and no value that an answer holds opens a criterion.
"""

import os
import time
from dataclasses import replace
from functools import cache

import pytest
import torch

from kata.course.files import find_root
from kata.course.loader import Implementation, LoadFault
from kata.course.steps import STEPS, step_by_number
from kata.criteria.answers import VALUES_CAP, decode, encode_all
from kata.criteria.questions import NOT_DEFINED, Answer, ask
from kata.criteria.verdicts import criteria_of, passed_by, verdicts_on
from kata.grade import assessor
from kata.grade.assessor import AssessorError, Assessors
from kata.grade.intake import Submission
from kata.grade.judge import BROKE_THE_JUDGE, USED_UP, Judge, share
from kata.grade.sandbox.client import ENDED, Sandboxes
from kata.grade.sandbox.isolation import Limits
from kata.grade.similarity import fingerprint
from kata.grade.words import what_it_raised, why_it_does_not_load

from .conftest import lacking_for_strict

ROOT = find_root()
ISOLATION = "process" if lacking_for_strict() else "strict"
GUIDANCE, TABLE = step_by_number(3), step_by_number(1)
SECRET = "an answer of the solution"
RAISING = f'''
class Own(Exception):
    pass
def guide(v_uncond, v_cond, scale):
    raise ValueError("{SECRET}")
def guided_velocity(model, x, t, y, scale, null_class):
    def inner():
        raise Own("{SECRET}")
    inner()
'''.encode()
SLEEPING = b"import time\ntime.sleep(%d)\n"


def solution(number):
    return (ROOT / "solutions" / step_by_number(number).file).read_bytes()


@cache
def answers_of_the_solution(step):
    return ask(Implementation(ROOT / "solutions").module(step), step, 7)


@pytest.fixture(scope="module")
def sandboxes():
    with Sandboxes(ROOT, ISOLATION, workers=1) as running:
        yield running


@pytest.fixture
def judge(sandboxes):
    return Judge(ROOT, sandboxes, seed=int.from_bytes(os.urandom(7), "big"))


@pytest.fixture(scope="module")
def assessors():
    found = Assessors()
    yield found
    found.close()


def step_of(result, number):
    return next(s for s in result.steps if s.step == number)


def test_what_was_raised_is_a_class_and_a_line_of_the_persons_own(judge):
    """Never the error's words, in whatever a result holds."""
    result = judge.grade(Submission("ann", {3: RAISING}))
    said = {c.why for c in step_of(result, 3).criteria}
    assert f'line 5 raised ValueError: `raise ValueError("{SECRET}")`' in said
    assert f'line 8 raised an error of its own class: `raise Own("{SECRET}")`' in said
    assert all(SECRET not in why.partition("`")[0] for why in said)
    hidden = RAISING.replace(SECRET.encode(), b"").replace(
        b'""', b"' '.join('secret words'.split())"
    )
    told = str(judge.grade(Submission("ann", {3: hidden})).to_dict()).replace("'secret words'", "")
    assert "secret words" not in told


@pytest.mark.parametrize(
    ("text", "fault", "sentence"),
    [
        (b"def f(:", ("syntax", "SyntaxError", 1), "F, line 1: syntax error: `def f(:`."),
        (b"x = '\xe9'", ("syntax", "SyntaxError", 0), "F is no utf-8 text: save it as UTF-8."),
        (b"\nimport step01_embeddings", ("no dot", "ModuleNotFoundError", 2), "F, line 2, imports "
         "step01_embeddings without a dot: write `from .step01_embeddings import`."),
        (b"from .step02_conditioning import f", ("neighbour", "ModuleNotFoundError", 1), "F, line 1, imports "
         "step02_conditioning, which is not there among the steps it builds on."),
        (b"import numpi.linalg", ("error", "ModuleNotFoundError", 1),
         "F, line 1: No module named 'numpi.linalg' is installed here, or one that it needs."),
        (b"x = {}['a']\r\n", ("error", "KeyError", 1), "F does not load: line 1 raised KeyError: `x = {}['a']`."),
        (b"", ("error", "KeyError", 7), "F does not load: it raised KeyError."),
        (b"x\x1b[2J", ("error", "OSError", 1), "F does not load: line 1 raised OSError: `x\ufffd[2J`."),
        (b"a" * 10**6, ("what?", "", 1), f"F does not load: line 1 raised an error: `{'a' * 100}...`."),
    ],
)  # fmt: skip
def test_why_a_file_does_not_load_is_said_from_its_own_text(text, fault, sentence):
    """By codes; a line that is not there is not quoted."""
    said = why_it_does_not_load(GUIDANCE, LoadFault(*fault), text, assembled=False)
    assert said == sentence.replace("F", GUIDANCE.file, 1)


def test_a_name_that_is_missing_is_called_so():
    answer = Answer(error=NOT_DEFINED, line=3)
    assert what_it_raised(GUIDANCE, answer, "guide", b"") == f"{GUIDANCE.file} defines no guide"


def test_the_place_is_in_the_persons_file_when_a_library_raises(judge):
    """And no path of this machine is told."""
    text = b"import json\nx = 1\njson.loads('{')\n" + solution(3)
    reason = step_of(judge.grade(Submission("ann", {3: text})), 3).reason
    assert reason == (
        f"{GUIDANCE.file} does not load: line 3 raised an error of its own class: `json.loads('{{')`."
    )


@pytest.mark.parametrize("shapes", [("long", "wide"), ("wide", "long")])
@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)
def test_nothing_is_broadcast(step, shapes):
    """Values of other shapes are wrong at once: neither N x 1 nor 1 x N meets the other."""
    many = {"long": torch.zeros(4096, 1), "wide": torch.zeros(1, 4096)}
    reference = answers_of_the_solution(step)
    forged = {
        name: Answer({key: many[shapes[i % 2]] for i, key in enumerate(answer.values)})
        for name, answer in reference.items()
    }
    started = time.process_time()
    assert passed_by(step, forged, reference) == set()
    assert time.process_time() - started < 0.5


def largest(step, reference):
    """The largest answers that a sandbox may send: all bytes in values of the names asked about."""
    names = [(name, key) for name, answer in reference.items() for key in answer.values]
    each = torch.zeros(Limits().answers // len(names) // 4 - 100)
    forged = {
        name: Answer(dict.fromkeys(answer.values, each)) for name, answer in reference.items()
    }
    return encode_all(forged)


def test_time_and_memory_for_the_largest_answers_are_bounded(assessors):
    """And for as many values as can be sent, of the right names or of any."""
    import resource

    step = step_by_number(6)
    reference, text = answers_of_the_solution(step), b"x = 1\n" * 100_000
    many = Answer({str(i): torch.tensor(0) for i in range(VALUES_CAP)})
    crowd = encode_all({str(i): many for i in range(30)})
    assert "too many" in decode(crowd).broken
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for blob in (largest(step, reference), crowd, b"+" + b"\0" * Limits().answers):
        started = time.process_time()
        answers = decode(blob).answers
        passed, _ = assessors.assess(step, answers, text, reference)
        seconds = time.process_time() - started
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(f"{len(blob) >> 20} MB: {seconds:.2f} s of the grader, {grown >> 10} MB more at most")
        assert passed == set()
        assert seconds < 2
        assert grown << 10 < 8 * Limits().answers


def test_an_assessor_is_ended_at_its_limits_and_the_next_goes_on(monkeypatch):
    """Of time, and of memory; and a request that ends it twice is given up."""
    own, reference = Assessors(), answers_of_the_solution(TABLE)
    assert own.assess(TABLE, reference, b"", reference)[0] == criteria_of(TABLE).keys()
    (running,) = own._idle.queue
    running.process.kill()
    assert own.assess(TABLE, reference, b"", reference)[0] == criteria_of(TABLE).keys()
    with monkeypatch.context() as patch:
        patch.setattr(assessor, "WAITING", 0.0)
        with pytest.raises(AssessorError):
            own.assess(TABLE, reference, b"x = 1\n" * 10**4, reference)
    assert own.assess(TABLE, reference, b"", reference)[0] == criteria_of(TABLE).keys()
    (running,) = own._idle.queue
    if os.path.isdir("/proc/self"):
        with open(f"/proc/{running.process.pid}/limits", encoding="ascii") as limits:
            line = next(line for line in limits if "address space" in line)
        assert "unlimited" not in line
    own.close()


def test_what_breaks_the_judge_is_graded_0_with_a_note(judge, monkeypatch):
    """It is no failure of the grader's, so that a run that goes on passes it over."""
    honest = Assessors.assess

    def breaks(self, step, answers, text, reference):
        if text.startswith(b"# breaks"):
            raise AssessorError("too much")
        return honest(self, step, answers, text, reference)

    monkeypatch.setattr(Assessors, "assess", breaks)
    result = judge.grade(Submission("ann", {1: solution(1), 3: b"# breaks\n" + solution(3)}))
    assert (result.status, result.points) == ("graded", TABLE.points)
    assert step_of(result, 3).reason == BROKE_THE_JUDGE
    assert result.notes == (f"step 3: {BROKE_THE_JUDGE}",)


@pytest.mark.parametrize(
    "extra",
    [
        b"x = 0x" + b"f" * 6000,
        b"x = -0x" + b"f" * 6000,
        b"x = [" + b"1," * 50_000 + b"]",
        b"x = " + b"[" * 90 + b"]" * 90,
        b"x = 1" + b"+1" * 500,
        "x = '\\ud800' + 'Ünïcödé \U0001f600'".encode(),
    ],
    ids=["number", "negative", "list", "nested", "sum", "text"],
)
def test_right_work_with_odd_text_has_full_marks(judge, extra):
    """Numbers of thousands of digits, long lists, deep nesting: no error of the grader's."""
    result = judge.grade(Submission("ann", {3: solution(3) + b"\n" + extra + b"\n"}))
    assert (result.error, result.points) == ("", GUIDANCE.points)


@pytest.mark.parametrize(
    "text",
    [
        b"x = " + b"-" * 50_000 + b"1",
        b"x = " + b"(" * 50_000,
        b"x = a" + b".a" * 60_000,
        b"x = 1" + b"+1" * 60_000,
        b"x = " + b"9" * 10_000,
        b"\0\xff\xfe",
        b"",
    ],
    ids=["signs", "brackets", "attributes", "sums", "digits", "bytes", "empty"],
)
def test_a_text_that_python_cannot_read_harms_no_assessor(assessors, text):
    """It has a fingerprint or none; the answers beside it are assessed."""
    reference = answers_of_the_solution(TABLE)
    passed, shape = assessors.assess(TABLE, reference, text, reference)
    assert passed == criteria_of(TABLE).keys()
    assert len(shape) <= 128


def test_large_numbers_have_a_fingerprint():
    """They count as one large number."""
    text = solution(3) + b"\nx = "
    assert fingerprint(text + b"0x" + b"f" * 6000) == fingerprint(text + b"0xffffffffffff") != ()


IMPORTED = b"from .step03_guidance import guided_velocity"
HIDDEN = {
    "importlib": b"import importlib\n"
    b"guided_velocity = importlib.import_module('.'.join([__package__, 'step03_' + 'guidance'])).guided_velocity",
    "sys": b"import sys\n__import__(__package__ + '.step03_guidance')\n"
    b"guided_velocity = sys.modules[__package__ + '.step03_guidance'].guided_velocity",
    "exec": b"exec('from .step' + '03_guidance import guided_velocity')",
}


@pytest.mark.parametrize("trick", HIDDEN)
def test_a_wrong_neighbour_is_seen_whatever_the_text_says(judge, trick):
    """Beside the person's own wrong step 3, step 7 is asked again, however it gets there."""
    wrong = solution(3).replace(b"v_uncond + scale *", b"v_cond + scale *")
    files = {3: wrong, 7: solution(7).replace(IMPORTED, HIDDEN[trick])}
    assert files[7] != solution(7)
    seven = step_of(judge.grade(Submission("ann", files)), 7)
    assert seven.points == step_by_number(7).points
    assert seven.assembled < seven.points
    assert seven.assembled_reason


def test_slow_work_is_noted_and_its_time_is_bounded(sandboxes, monkeypatch):
    """A submission has twice the time of a job; what comes after it is told so."""
    monkeypatch.setattr("kata.grade.judge.SLOW", 0.0)  # this machine may have much else to do
    limits = replace(Limits(), wall=6.0)
    judge = Judge(ROOT, sandboxes, seed=3, limits=limits)
    files = {n: SLEEPING % 5 + solution(n) for n in (1, 2, 3, 4, 10)}
    for number in files:
        judge.reference(step_by_number(number))
    started = time.monotonic()
    result = judge.grade(Submission("ann", files))
    taken = time.monotonic() - started
    print(f"{taken:.1f} s")
    assert step_of(result, 1).points == TABLE.points
    assert step_of(result, 3).reason in (ENDED["time"], USED_UP)
    assert step_of(result, 10).reason == USED_UP
    assert any(note.startswith("step 1: slow, ") for note in result.notes)
    assert f"step 10: {USED_UP}" in result.notes


BEYOND = {
    "zeros": lambda v: torch.zeros_like(v),
    "not a number": lambda v: torch.full_like(v, torch.nan) if v.is_floating_point() else v * 0,
    "infinite": lambda v: torch.full_like(v, torch.inf) if v.is_floating_point() else v * 0 + 2**30,
    "huge": lambda v: torch.full_like(v, 6e4) if v.is_floating_point() else v * 0 + 1,
    "tiny": lambda v: torch.full_like(v, 1e-30) if v.is_floating_point() else v * 0,
    "empty": lambda v: v.reshape(-1)[:0],
}


@pytest.mark.parametrize("kind", BEYOND)
@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.folder)
def test_no_value_of_an_answer_opens_a_criterion(step, kind):
    """Zeros, NaN, infinity, huge and tiny numbers, no numbers at all: none earns anything."""
    reference = answers_of_the_solution(step)
    whole = {
        name: Answer({key: BEYOND[kind](v) for key, v in answer.values.items()})
        for name, answer in reference.items()
    }
    assert share(verdicts_on(step, whole, reference, ROOT)) == 0


@pytest.mark.parametrize("time", [0.0, 1e-9, float("nan"), float("inf"), -1.0, 1e30])
def test_no_time_excuses_a_wrong_loss(time):
    """Step 6: times at which nothing could be told are no escape, in all samples or in some."""
    step = step_by_number(6)
    reference = answers_of_the_solution(step)
    for every in (1, 2):
        forged = {}
        for name, answer in reference.items():
            values = {k: v.clone() for k, v in answer.values.items()}
            for key, value in values.items():
                if key.rpartition(": ")[2] == "t" and value.ndim:
                    value[::every] = time
                elif key.rpartition(": ")[2] in (
                    "loss",
                    "output",
                    "gradient",
                    "gradient of a pixel",
                ):
                    values[key] = torch.zeros_like(value)
            forged[name] = Answer(values)
        passed = passed_by(step, forged, reference)
        about_time = {
            n for n, a in reference.items() if any(k.rpartition(": ")[2] == "t" for k in a.values)
        }
        deciding = {n for n in about_time if not criteria_of(step)[n].testimony}
        assert len(deciding) >= 4
        assert not passed & deciding
