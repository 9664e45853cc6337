"""The pages that a browser shows, each a template; a page holds everything in itself and needs
no network.
"""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render(template: str, **data: Any) -> str:
    """Return a page as HTML; every text in the data is escaped."""
    return _environment.get_template(template).render(data)


def data_uri(content: bytes, kind: str = "image/png") -> str:
    """Return a file's content as an address that a page can hold."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _points(value: float) -> str:
    """Return a number with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _sentence(text: str) -> str:
    """Return a text with a capital letter and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent, encoding="utf-8"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"data_uri": data_uri, "points": _points, "sentence": _sentence}
_environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
