"""The format of answers, in messages and in files: JSON headers and bytes, never unpickled.

The first byte says whether the step loaded: `+`, and frames of answers follow, or `-`, and a
sentence says why not. A frame is the length of its header (4 bytes, big-endian), the header, and
the bytes of its tensors one after another. A header is JSON: `{"question": name, "error": class,
"message": text, "values": [[name, dtype, shape], ...]}`. The decoder trusts nothing: every count
and every length has a cap, and memory stays below a small multiple of the bytes that came.
"""

import json
import math
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from kata.criteria.questions import Answer

LENGTH = struct.Struct(">I")
"""Stands before a header, and before each message to and from a sandbox."""
HEADER_CAP = 1 << 20
QUESTIONS_CAP = 256
VALUES_CAP = 4096
DIMENSIONS_CAP = 8
TEXT_CAP = 1000
DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64),
        *(torch.complex128, torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32),
        torch.int64,
    )
}

Answers = Mapping[str, Answer]
"""The answers of a step by the names of its questions."""


class FormatError(Exception):
    """The bytes are no answers; the message says what is wrong with them."""


@dataclass(frozen=True)
class Decoded:
    """What came back. refused: why the step did not load; broken: why the bytes make no sense."""

    answers: Answers = field(default_factory=dict)
    refused: str = ""
    broken: str = ""


def encode(question: str, answer: Answer) -> bytes:
    """Return one answer as a frame; an unknown dtype, or too many values, make it an error."""
    values = answer.values
    odd = [
        v for v in values.values() if v.dtype not in DTYPES.values() or v.layout != torch.strided
    ]
    if odd:
        words = f"a tensor of {odd[0].dtype}, {odd[0].layout} came back"
        return encode(question, Answer(error="TypeError", message=words))
    header = {
        "question": question,
        "error": answer.error,
        "message": answer.message[:TEXT_CAP],
        "values": [
            [name, str(value.dtype).removeprefix("torch."), list(value.shape)]
            for name, value in values.items()
        ],
    }
    text = json.dumps(header).encode()
    if len(text) > HEADER_CAP:
        return encode(question, Answer(error="ValueError", message="too many values came back"))
    return b"".join([LENGTH.pack(len(text)), text, *(_bytes(v) for v in values.values())])


def encode_all(answers: Answers) -> bytes:
    """Return all answers of a step that loaded, in this format."""
    return b"+" + b"".join(encode(name, answer) for name, answer in answers.items())


def decode(blob: bytes) -> Decoded:
    """Return what the bytes hold, up to the first that make no sense; never raise."""
    if blob[:1] == b"-":
        return Decoded(refused=clean(blob[1 : 1 + TEXT_CAP].decode("utf-8", "replace")))
    if blob[:1] != b"+":
        return Decoded()
    answers: dict[str, Answer] = {}
    position = 1
    while position < len(blob):
        try:
            name, answer, position = _frame(blob, position)
            if name in answers or len(answers) >= QUESTIONS_CAP:
                raise FormatError(f"{name} was answered twice")
            answers[name] = answer
        except FormatError as error:
            return Decoded(answers, broken=str(error))
    return Decoded(answers)


def read_answers(path: Path) -> Answers:
    """Return the answers in a file. Raise ValueError if the file is damaged."""
    decoded = decode(path.read_bytes())
    if decoded.broken or decoded.refused or not decoded.answers:
        raise ValueError(
            f"{path} holds no answers: {decoded.broken or decoded.refused or 'it is empty'}"
        )
    return decoded.answers


def clean(text: str) -> str:
    """Return a submission's text, cut, without control characters and lone surrogates."""
    shown = "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return shown[:TEXT_CAP]


def _frame(blob: bytes, position: int) -> tuple[str, Answer, int]:
    header, position = _header(blob, position)
    if not isinstance(header, dict) or header.keys() != {"question", "error", "message", "values"}:
        raise FormatError("a header has other fields")
    name, error, message = (header[key] for key in ("question", "error", "message"))
    if not all(isinstance(text, str) for text in (name, error, message)) or len(name) > TEXT_CAP:
        raise FormatError("a header's text is no text")
    entries = header["values"]
    if not isinstance(entries, list) or len(entries) > VALUES_CAP:
        raise FormatError("a header names no values, or too many")
    values: dict[str, Tensor] = {}
    for entry in entries:
        value, key, position = _tensor(entry, blob, position)
        values[key] = value
    return name, Answer(values, clean(error)[:100], clean(message)), position


def _header(blob: bytes, position: int) -> tuple[object, int]:
    if position + LENGTH.size > len(blob):
        raise FormatError("a frame is cut off")
    (length,) = LENGTH.unpack_from(blob, position)
    start, end = position + LENGTH.size, position + LENGTH.size + length
    if length > HEADER_CAP or end > len(blob):
        raise FormatError("a header is cut off or too long")
    try:
        return json.loads(blob[start:end]), end
    except (ValueError, RecursionError):
        raise FormatError("a header is no JSON") from None


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
    if dtype is torch.bool:
        raw = bytearray(int(bool(byte)) for byte in raw)
    return torch.frombuffer(raw, dtype=dtype).reshape(shape), key, end


def _bytes(value: Tensor) -> bytes:
    if sys.byteorder != "little":
        raise FormatError("answers are written on little-endian machines")
    if not value.numel():
        return b""
    flat = value.resolve_conj().resolve_neg().reshape(-1)
    return flat.contiguous().view(torch.uint8).numpy().tobytes()
