"""The format of answers, in messages and in files: JSON headers and bytes, never unpickled.

The first byte says whether the step loaded: `+`, and frames of answers follow, or `-`, and a JSON
object says in codes why not: `{"code": ..., "error": class, "line": number}`. A frame is the length
of its header (4 bytes, big-endian), the header, and the bytes of its tensors one after another. A
header is JSON: `{"question": name, "error": class, "line": number, "values": [[name, dtype, shape],
...]}`. In files of the course's own answers it also has the error's message; in messages from a
sandbox there is no free text, and classes that are not among the KNOWN_ERRORS become one word. The
decoder trusts nothing: every count and every length has a cap, and memory stays below a small
multiple of the bytes that came.
"""

import builtins
import json
import math
import struct
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from kata.course.files import write_atomic
from kata.course.loader import LoadFault
from kata.criteria.questions import NOT_DEFINED, Answer

LENGTH = struct.Struct(">I")
"""Stands before a header, and before each message to and from a sandbox."""
HEADER_CAP = 1 << 20
QUESTIONS_CAP = 256
VALUES_CAP = 4096
"""How many values one answer, and all answers together, may hold."""
DIMENSIONS_CAP = 8
NAME_CAP = 1000
LINES_CAP = 1 << 24
DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64),
        *(torch.complex128, torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32),
        torch.int64,
    )
}

OWN_ERROR = "an error of its own class"
KNOWN_ERRORS = frozenset(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
) | {NOT_DEFINED, "LinAlgError", "OutOfMemoryError", "UnpicklingError"}
"""The classes of errors that a sandbox may name; any other is OWN_ERROR."""

Answers = Mapping[str, Answer]
"""The answers of a step by the names of its questions."""


class FormatError(Exception):
    """The bytes are no answers; the message says what is wrong with them."""


@dataclass(frozen=True)
class Decoded:
    """What came back. refused: why the step did not load; broken: why the bytes make no sense."""

    answers: Answers = field(default_factory=dict)
    refused: LoadFault | None = None
    broken: str = ""


def encode(question: str, answer: Answer, message: bool = False) -> bytes:
    """Return one answer as a frame; an unknown dtype, or too many values, make it an error.

    message: whether the error's own words are written, which no sandbox may do.
    """
    values = answer.values
    odd = [
        v for v in values.values() if v.dtype not in DTYPES.values() or v.layout != torch.strided
    ]
    if odd:
        words = f"a tensor of {odd[0].dtype}, {odd[0].layout} came back"
        return encode(question, Answer(error="TypeError", message=words), message)
    header = {
        "question": question,
        "error": answer.error[:100],
        "line": answer.line,
        "values": [
            [name, str(value.dtype).removeprefix("torch."), list(value.shape)]
            for name, value in values.items()
        ],
    } | ({"message": answer.message} if message else {})
    text = json.dumps(header).encode()
    if len(text) > HEADER_CAP:
        words = "too many values came back"
        return encode(question, Answer(error="ValueError", message=words), message)
    return b"".join([LENGTH.pack(len(text)), text, *(_bytes(v) for v in values.values())])


def encode_all(answers: Answers) -> bytes:
    """Return all answers of a step that loaded, as a sandbox sends them."""
    return b"+" + b"".join(encode(name, answer) for name, answer in answers.items())


def encode_fault(fault: LoadFault) -> bytes:
    """Return that a step did not load, and why."""
    return b"-" + json.dumps(asdict(fault)).encode()


def decode(blob: bytes) -> Decoded:
    """Return what a sandbox sent, up to the first bytes that make no sense; never raise."""
    if blob[:1] != b"-":
        return _decoded(blob, message=False)
    try:
        fault = _json(blob[1 : 1 + HEADER_CAP])
        if not isinstance(fault, dict) or fault.keys() != {"code", "error", "line"}:
            raise FormatError("it has other fields")
        code = fault["code"] if isinstance(fault["code"], str) else ""
        return Decoded(refused=LoadFault(code, _known(fault["error"]), _line(fault["line"])))
    except FormatError as error:
        return Decoded(broken=str(error))


def write_answers(path: Path, answers: Answers) -> None:
    """Write answers to a file, with the words of their errors."""
    frames = (encode(name, answer, message=True) for name, answer in answers.items())
    write_atomic(path, b"+" + b"".join(frames))


def read_answers(path: Path) -> Answers:
    """Return the answers in a file of `write_answers`. Raise ValueError if it is damaged."""
    decoded = _decoded(path.read_bytes(), message=True)
    if decoded.broken or not decoded.answers:
        raise ValueError(f"{path} holds no answers: {decoded.broken or 'it is empty'}")
    return decoded.answers


def _decoded(blob: bytes, message: bool) -> Decoded:
    if blob[:1] != b"+":
        return Decoded()
    answers: dict[str, Answer] = {}
    position, held = 1, 0
    while position < len(blob):
        try:
            name, answer, position = _frame(blob, position, message)
            held += len(answer.values)
            if name in answers or len(answers) >= QUESTIONS_CAP or held > VALUES_CAP:
                raise FormatError("a question was answered twice, or there are too many answers")
            answers[name] = answer
        except FormatError as error:
            return Decoded(answers, broken=str(error))
    return Decoded(answers)


def _frame(blob: bytes, position: int, message: bool) -> tuple[str, Answer, int]:
    header, position = _header(blob, position)
    fields = {"question", "error", "line", "values"} | ({"message"} if message else set())
    if not isinstance(header, dict) or header.keys() != fields:
        raise FormatError("a header has other fields")
    name, error, words = header["question"], header["error"], header.get("message", "")
    if not all(isinstance(text, str) for text in (name, error, words)) or len(name) > NAME_CAP:
        raise FormatError("a header's text is no text")
    entries = header["values"]
    if not isinstance(entries, list) or len(entries) > VALUES_CAP:
        raise FormatError("a header names no values, or too many")
    values: dict[str, Tensor] = {}
    for entry in entries:
        value, key, position = _tensor(entry, blob, position)
        values[key] = value
    known = error if message else _known(error)
    return name, Answer(values, known, words, _line(header["line"])), position


def _known(error: object) -> str:
    """The class of an error, if it is one that may be named; "" for none."""
    if not isinstance(error, str):
        raise FormatError("a header's text is no text")
    return error if not error or error in KNOWN_ERRORS else OWN_ERROR


def _line(number: object) -> int:
    return number if type(number) is int and 0 < number < LINES_CAP else 0


def _json(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError, MemoryError):
        raise FormatError("a header is no JSON") from None


def _header(blob: bytes, position: int) -> tuple[object, int]:
    if position + LENGTH.size > len(blob):
        raise FormatError("a frame is cut off")
    (length,) = LENGTH.unpack_from(blob, position)
    start, end = position + LENGTH.size, position + LENGTH.size + length
    if length > HEADER_CAP or end > len(blob):
        raise FormatError("a header is cut off or too long")
    return _json(blob[start:end]), end


def _tensor(entry: object, blob: bytes, position: int) -> tuple[Tensor, str, int]:
    if not isinstance(entry, list) or len(entry) != 3:
        raise FormatError("a value is not described")
    key, kind, shape = entry
    if not isinstance(key, str) or not isinstance(kind, str) or kind not in DTYPES:
        raise FormatError("a value has no name or an unknown dtype")
    if not isinstance(shape, list) or len(shape) > DIMENSIONS_CAP:
        raise FormatError("a value has no shape")
    if not all(type(n) is int and 0 <= n <= 2**31 for n in shape):
        raise FormatError("a shape holds what is no size")
    if math.prod(max(n, 1) for n in shape) > 2**31:
        raise FormatError("a shape is too large")
    dtype = DTYPES[kind]
    end = position + math.prod(shape) * dtype.itemsize
    if end > len(blob):
        raise FormatError("a tensor is cut off")
    if end == position:
        return torch.empty(shape, dtype=dtype), key, end
    raw = bytearray(blob[position:end])
    if dtype is torch.bool:  # any byte is a truth value here, and only 0 and 1 are in a tensor
        return (torch.frombuffer(raw, dtype=torch.uint8) != 0).reshape(shape), key, end
    return torch.frombuffer(raw, dtype=dtype).reshape(shape), key, end


def _bytes(value: Tensor) -> bytes:
    if sys.byteorder != "little":
        raise FormatError("answers are written on little-endian machines")
    if not value.numel():
        return b""
    value = value.resolve_conj().resolve_neg()
    return (value.view(torch.int16) if value.dtype is torch.bfloat16 else value).numpy().tobytes()
