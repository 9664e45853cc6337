"""One key at a time, without Enter: on Linux, macOS and Windows; no keys if there is no
terminal.
"""

import os
import sys
from typing import Any

WINDOWS = sys.platform == "win32"


class Keys:
    """The keyboard. Use it as a context manager: it leaves the terminal as it found it."""

    def __init__(self) -> None:
        self.there = sys.stdin is not None and sys.stdin.isatty()
        self._before: list[Any] | None = None

    def __enter__(self) -> "Keys":
        if self.there and not WINDOWS:
            import termios
            import tty

            self._before = termios.tcgetattr(0)
            tty.setcbreak(0)
        return self

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            import termios

            termios.tcsetattr(0, termios.TCSADRAIN, self._before)

    def wait(self) -> str:
        """Wait for a key and return it as a small letter; `q` if the terminal is gone."""
        return self._windows() if WINDOWS else self._posix()

    def _posix(self) -> str:
        try:
            pressed = os.read(0, 32)
        except OSError:
            pressed = b""
        return pressed[:1].decode("ascii", "ignore").lower() if pressed else "q"

    def _windows(self) -> str:
        import msvcrt

        pressed: str = msvcrt.getwch()  # type: ignore[attr-defined]
        return "q" if pressed == "\x03" else pressed.lower()
