"""The text of a file: from the encodings that editors write, and what Python makes of it."""

import ast
import codecs
import contextlib
import io
import re
import symtable
import threading
import tokenize
import warnings
from collections.abc import Iterable, Iterator

from kata.course.stubs import is_untouched

COOKIE = re.compile(r"^([ \t\f]*#.*?coding[:=][ \t]*)([-\w.]+)")
_one_at_a_time = threading.Lock()
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)


def as_python(text: bytes) -> tuple[bytes, str]:
    """Return bytes that Python reads as the text that was meant, and what they were read as.

    The second is "" where nothing had to be changed; it is the bytes' encoding otherwise. Bytes
    that are no text are returned as they are.
    """
    codec, words = _encoding(text)
    if not codec:
        return text, ""
    try:
        decoded = text.decode(codec)
    except (UnicodeError, ValueError):
        return text, ""
    lines = decoded.removeprefix("\ufeff").split("\n", 2)
    lines[:2] = [COOKIE.sub(r"\1utf-8", line) for line in lines[:2]]
    return "\n".join(lines).encode("utf-8", "replace"), words


def parsed(text: bytes | str) -> ast.Module | None:
    """Return the syntax tree of a text, None if Python cannot make one."""
    try:
        with _quietly():
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def untouched(text: bytes) -> bool:
    """Return whether a file is a stub as it was handed out, in any encoding."""
    try:
        with _quietly():
            return is_untouched(as_python(text)[0].decode("utf-8", "replace"))
    except (ValueError, RecursionError, MemoryError):
        return False


def names_defined(nodes: Iterable[ast.stmt]) -> Iterator[str]:
    """Yield the names that statements define: functions, classes, variables, imports."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from names_defined(
                n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)
            )


def globals_used(text: str) -> set[str]:
    """Return the names that a text uses and that are no locals of its functions or classes."""
    try:
        with _quietly():
            tables = [symtable.symtable(text, "text", "exec")]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    used = set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        at_top = table.get_type() == "module"
        used |= {
            s.get_name()
            for s in table.get_symbols()
            if (s.is_referenced() if at_top else s.is_global())
        }
    return used


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the warnings that Python has about a text; they are the same for all threads."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _encoding(text: bytes) -> tuple[str, str]:
    """The codec and the name of a text's encoding; "" if Python reads it as it is, or no text."""
    for mark, codec, words in MARKS:
        if text.startswith(mark):
            return codec, words
    start = text[:400]
    if b"\0" in start:
        even, odd = start[0::2].count(0), start[1::2].count(0)
        if odd > len(start) // 4 and even == 0:
            return "utf-16-le", "UTF-16"
        if even > len(start) // 4 and odd == 0:
            return "utf-16-be", "UTF-16"
        return "", ""
    if b"\0" in text:
        return "", ""
    try:
        codec, _ = tokenize.detect_encoding(io.BytesIO(text).readline)
        text.decode(codec)
    except (SyntaxError, UnicodeError, LookupError, ValueError):
        # Every byte means something in Latin-1; Windows' variant has the signs that people type.
        try:
            text.decode("cp1252")
        except UnicodeError:
            return "latin-1", "Latin-1"
        return "cp1252", "Latin-1"
    return "", ""
