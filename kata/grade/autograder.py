"""A template for Classroom 50: its runner calls this script in a student's clone.

Copy it to CLASSROOM/autograders/ASSIGNMENT/autograder.py of your `classroom50` repository. It needs
Linux with bubblewrap, and a whole clone of the course with its `.venv` in KATA_COURSE. Never put
the course beside this file: whoever knows the address of the bundle can read all of it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

KATA_COURSE = Path(os.environ.get("KATA_COURSE", "/opt/cfg-kata"))
WRITTEN = ("result.json", "release-body.md")


def grade_clone(clone: Path, course: Path) -> int:
    """Grade a student's clone and write what the runner reads into it; return the exit code.

    It is 0 if there is a result. Without one the runner reports an error, and nobody gets points.
    """
    for name in WRITTEN:  # the student may have left some there
        left = clone / name
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink(
            missing_ok=True
        )
    with tempfile.TemporaryDirectory() as folder:
        handed_in = Path(folder) / "class" / (os.environ.get("OWNER") or "student")
        without_git = shutil.ignore_patterns(".git")
        shutil.copytree(clone, handed_in, symlinks=True, ignore=without_git)
        out = Path(folder) / "graded"
        python = course / ".venv" / "bin" / "python"
        if not python.is_file():
            print(
                f"There is no {python}: set KATA_COURSE to a clone with a .venv.", file=sys.stderr
            )
            return 1
        command = [str(python), "-m", "kata", "grade", str(handed_in.parent)]
        command += ["--out", str(out), "--classroom50"]
        subprocess.run(command, cwd=course, check=False)
        for name in WRITTEN:
            if (out / name).is_file():
                shutil.copyfile(out / name, clone / name)
    return 0 if (clone / WRITTEN[0]).is_file() else 1


if __name__ == "__main__":
    sys.exit(grade_clone(Path.cwd(), KATA_COURSE))
