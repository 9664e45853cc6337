"""One key at a time, without Enter: on Linux, macOS and Windows; and none at all where there is no terminal."""

import os
import sys
import time
from types import TracebackType
from typing import Any

WINDOWS = sys.platform == "win32"


class Keys:
    """The keyboard, one key at a time. Use as a context manager: it leaves the terminal as it found it."""

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            import termios

            termios.tcsetattr(0, termios.TCSADRAIN, self._before)

    def wait(self, seconds: float) -> str:
        """The next key, as a small letter; "" where none was pressed within so many seconds."""
        if not self.there:
            time.sleep(seconds)
            return ""
        return self._windows(seconds) if WINDOWS else self._posix(seconds)

    def _posix(self, seconds: float) -> str:
        import select

        if not select.select([0], [], [], seconds)[0]:
            return ""
        pressed = os.read(0, 32)
        if not pressed:  # the terminal is gone
            return "q"
        return pressed[:1].decode("ascii", "ignore").lower()

    def _windows(self, seconds: float) -> str:
        import msvcrt

        end = time.monotonic() + seconds
        while not msvcrt.kbhit():  # type: ignore[attr-defined]
            if time.monotonic() >= end:
                return ""
            time.sleep(0.01)
        pressed: str = msvcrt.getwch()  # type: ignore[attr-defined]
        if pressed == "\x03":
            raise KeyboardInterrupt
        return pressed.lower()
