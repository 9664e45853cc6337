"""Open a file with the program that the desktop has for it, where there is a desktop."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def show_on_screen(path: Path) -> bool:
    """Whether the file was handed over: never in continuous integration, nor without a screen."""
    if os.environ.get("CI"):
        return False
    if sys.platform == "win32":
        try:
            os.startfile(path)
        except OSError:  # no program for it
            return False
        return True
    has_screen = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if not has_screen or opener is None:
        return False
    try:
        subprocess.Popen(
            [opener, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True
