"""The format of answers: what is written is read back, garbage does no harm, in a message and in
a file.
"""

import json
import os
import random
import struct
import time
import tracemalloc

import pytest
import torch

from kata.course.loader import LoadFault
from kata.criteria.answers import (
    DTYPES,
    OWN_ERROR,
    decode,
    encode,
    encode_all,
    encode_fault,
    read_answers,
    write_answers,
)
from kata.criteria.questions import Answer

ANSWER = Answer(
    {
        "a": torch.tensor([[1.5, -2.0, float("nan")], [0.0, 3.0, float("inf")]]),
        "b": torch.tensor(7),
        "empty": torch.empty(0, 3, dtype=torch.float64),
        "mask": torch.tensor([True, False, True]),
        "strided": torch.arange(6).reshape(2, 3).T,
        "lazy": torch.ones(2, dtype=torch.complex64).conj(),
    }
)
ANSWERS = {"first": ANSWER, "second": Answer(error="ValueError", message="no", line=12)}
WHOLE = encode_all(ANSWERS)


def frame(header, raw=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return b"+" + struct.pack(">I", len(text)) + text + raw


def value(shape, dtype="float32", name="v"):
    return {"question": "q", "error": "", "line": 0, "values": [[name, dtype, shape]]}


GARBAGE = [
    frame(b"[" * 100_000),
    frame(b"9" * 100_000),
    frame(b"\xff\xfe"),
    frame([]),
    frame({"question": "q"}),
    frame({**value([1]), "more": 1}, bytes(4)),
    frame({**value([1]), "question": 3}, bytes(4)),
    frame({**value([1]), "values": "x" * 3}),
    frame({**value([1]), "values": [["v", "float32", [1]]] * 5000}),
    frame(value([2**40, 2**40])),
    frame(value([0, 2**31, 2**31])),
    frame(value([-1])),
    frame(value([True]), bytes(4)),
    frame(value([1.0]), bytes(4)),
    frame(value([1] * 9), bytes(4)),
    frame(value([4]), bytes(15)),
    frame(value([1], "object"), bytes(8)),
    frame(value([1], None), bytes(8)),
    frame(value([1], name=None), bytes(4)),
    b"+" + struct.pack(">I", 2**32 - 1),
    b"+\x00\x00",
    WHOLE + WHOLE[1:],
]


def test_answers_survive_the_way():
    """Names, values, dtypes, shapes, errors: bit by bit."""
    answers = decode(WHOLE).answers
    assert list(answers) == ["first", "second"]
    assert answers["second"] == Answer(error="ValueError", line=12)
    for name, sent in ANSWER.values.items():
        came = answers["first"].values[name]
        assert (came.dtype, came.shape) == (sent.dtype, sent.shape)
        assert torch.equal(came.nan_to_num(9.0), sent.resolve_conj().nan_to_num(9.0))
    assert not decode(WHOLE).broken


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
def test_every_dtype_survives(dtype):
    """Also those that NumPy does not know."""
    sent = torch.tensor([0, 1, 1, 0, 1]).to(dtype)
    came = decode(b"+" + encode("q", Answer({"v": sent}))).answers["q"].values["v"]
    assert came.dtype == dtype
    assert torch.equal(came, sent)


@pytest.mark.parametrize("blob", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_called_so(blob):
    """One sentence, no exception; whole answers before it are kept."""
    decoded = decode(blob)
    assert decoded.broken
    assert decoded.answers.keys() <= {"first", "second"}


@pytest.mark.parametrize(
    "blob",
    [*GARBAGE, b"", b"+", b"-it does not load", WHOLE[1:], WHOLE[:-3], WHOLE],
    ids=range(len(GARBAGE) + 6),
)
def test_a_file_of_garbage_is_a_value_error(tmp_path, blob):
    """In the cache as in a message: also a file without answers, and one that is cut off."""
    path = tmp_path / "step.answers"
    path.write_bytes(blob)
    with pytest.raises(ValueError, match="holds no answers"):
        read_answers(path)


def test_a_file_of_answers_is_read_back(tmp_path):
    """There errors keep their words, which are the course's own."""
    path = tmp_path / "step.answers"
    write_answers(path, ANSWERS)
    assert read_answers(path).keys() == {"first", "second"}
    assert read_answers(path)["second"] == ANSWERS["second"]


@pytest.mark.parametrize(
    ("error", "known"),
    [
        ("ValueError", "ValueError"),
        ("LinAlgError", "LinAlgError"),
        ("", ""),
        ("The solution is `return a + b`", OWN_ERROR),
        ("\x1b[2J\ud800" + "x" * 10_000, OWN_ERROR),
    ],
)
def test_no_text_comes_out_of_a_sandbox(error, known):
    """Neither as an error's class, nor as its words, nor beside the codes of a file that does not
    load.
    """
    header = {**value([1]), "error": error}
    assert decode(frame(header, bytes(4))).answers["q"].error == known
    assert decode(frame({**header, "message": "stolen"}, bytes(4))).broken
    fault = {"code": "error", "error": error, "line": 3}
    assert decode(b"-" + json.dumps(fault).encode()).refused == LoadFault("error", known, 3)
    assert decode(b"-" + json.dumps({**fault, "text": "stolen"}).encode()).broken
    assert decode(encode_fault(LoadFault("no dot", "E", 7))).refused == LoadFault(
        "no dot", OWN_ERROR, 7
    )


@pytest.mark.parametrize("line", [-1, 10**5, 2**80, True, 1.5, "1", None, [1]])
def test_a_line_is_a_small_whole_number(line):
    """Anything else is 0, which stands for none."""
    answer = decode(frame({**value([1]), "line": line}, bytes(4))).answers["q"]
    assert answer.line == (line if line == 10**5 else 0)


@pytest.mark.parametrize(
    "text", ["9" * 5000, "-" + "9" * 5000, "1e99999", '"' + "\\ud800" * 100 + '"', "[" * 10_000]
)
def test_odd_json_does_no_harm(text):
    """Numbers of 5,000 digits, lone surrogates, deep nesting: as a line, as a code, as a size."""
    whole = json.dumps({**value([1]), "line": "HERE"}).replace('"HERE"', text).encode()
    sized = json.dumps(value(["HERE"])).replace('"HERE"', text).encode()
    for header in (whole, sized):
        decoded = decode(frame(header, bytes(4)))
        assert decoded.broken or decoded.answers["q"].line == 0
    fault = json.dumps({"code": "HERE", "error": "", "line": 0}).replace('"HERE"', text).encode()
    decoded = decode(b"-" + fault)
    assert decoded.broken or decoded.refused is not None


@pytest.mark.parametrize(
    "value", [torch.ones(1).expand(1), torch.ones(()).expand(3, 1), torch.ones(1)[::2]]
)
def test_a_value_of_odd_strides_survives(value):
    """Also one whose only element has a stride of 0."""
    came = decode(b"+" + encode("q", Answer({"v": value}))).answers["q"].values["v"]
    assert torch.equal(came, value)


def test_ten_thousand_broken_messages_break_nothing():
    """No crash, no hang, no memory beyond a cap; an honest message is understood afterwards."""
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    draw = random.Random(seed)
    started = time.monotonic()
    tracemalloc.start()
    for _ in range(10_000):
        blob = bytearray(WHOLE)
        for _ in range(draw.choice((1, 1, 2, 8, 64))):
            at = draw.randrange(len(blob))
            match draw.randrange(5):
                case 0:
                    blob[at] = draw.randrange(256)
                case 1:
                    del blob[at : at + draw.randrange(1, 40)]
                case 2:
                    blob[at:at] = draw.randbytes(draw.randrange(1, 40))
                case 3:
                    blob[at:at] = draw.choice((b"9999999999", b"[[", b'"', b"-1,", b"1e9", b"null"))
                case 4:
                    blob[at : at + 4] = draw.choice((b"\x00\x00\x00\x00", b"\xff\xff\xff\xff"))
            blob = blob or bytearray(b"+")
        decoded = decode(bytes(blob))
        assert sum(v.nbytes for a in decoded.answers.values() for v in a.values.values()) <= len(
            blob
        )
    assert time.monotonic() - started < 60
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24, peak
    assert decode(WHOLE).answers.keys() == {"first", "second"}
