"""What the course is packed into: the students' copy, and the autograder archive for Gradescope."""

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from kata.course import KataError
from kata.course.files import matching_files
from kata.course.steps import STEPS
from kata.course.stubs import write_stubs
from kata.grade.sandbox.view import write_questions

FOR_STUDENTS = (
    *("README.md", "LICENSE", "pyproject.toml", ".gitignore", ".github/picture.png"),
    *(".vscode/*", ".devcontainer/**/*", "exercises/*.md", "tests/test_step*.py"),
    *("tests/final/**/*", "kata/**/*", "checkpoints/**/*"),
)
NOT_FOR_STUDENTS = ("kata/grade/", "kata/criteria/", "kata/lab/bench/", "checkpoints/runs/")
"""The questions alone come along from kata/criteria/: the tests take their inputs from them. The
benchmark compares the learner's sampler with one of its own, which solves a step."""


class CopyError(KataError):
    """The copy cannot be made; the message says why and what to do."""


def write_student_copy(root: Path, folder: Path) -> int:
    """Make the copy, with fresh stubs, in a new folder; return the number of its files."""
    if not (root / "solutions").is_dir():
        raise CopyError("The stubs are made from solutions/, which is not here: use a whole clone.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CopyError(f"{folder} exists already and is not empty: name a new folder.")
    if root.resolve() in folder.resolve().parents:
        raise CopyError(f"{folder} lies in the course itself: name a folder outside of it.")
    count = 0
    for path in learners_files(root):
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        count += 1
    readme = folder / "README.md"
    readme.write_text(_without_what_is_absent(readme.read_text("utf-8"), folder), "utf-8")
    write_stubs(root, folder / "exercises")
    return count + len(STEPS) + write_questions(root, folder)


def _without_what_is_absent(readme: str, folder: Path) -> str:
    """The README without links to files that the copy lacks, and without proofs that need them."""
    sections = re.split(r"^(?=## )", readme, flags=re.MULTILINE)
    text = "".join(s for s in sections if "--impl solutions" not in s)
    return re.sub(
        r"^- \[[^\]]*\]\((?!https:)([^)]*)\).*\n",
        lambda line: line[0] if (folder / line[1]).exists() else "",
        text,
        flags=re.MULTILINE,
    )


def learners_files(root: Path) -> Iterator[Path]:
    """Yield the files of a course that a learner gets as they are."""
    for path in matching_files(root, FOR_STUDENTS):
        if not path.relative_to(root).as_posix().startswith(NOT_FOR_STUDENTS):
            yield path


FOR_GRADESCOPE = (
    *("README.md", "LICENSE", "pyproject.toml", "solutions/*.py", "exercises/*", "kata/**/*"),
    *("tests/test_step*.py", "tests/mistakes/**/*.py"),
)

SETUP = """#!/usr/bin/env bash
# Runs once, when Gradescope builds the image: Python, the sandbox's programs, the course.
set -euo pipefail
apt-get update
apt-get install -y python3 python3-venv python3-pip bubblewrap libseccomp2
cd /autograder/source
python3 -m venv /autograder/venv
# The build of PyTorch for the CPU alone saves 4 GB: put the line that pytorch.org shows for it here.
/autograder/venv/bin/pip install --no-cache-dir -e .
chmod -R go-rwx /autograder/source
"""

NOT_GRADED = json.dumps(
    {
        "score": 0,
        "output": "Nothing was graded here: your instructor must read why in this run's log and, if submissions "
        "cannot be isolated on this machine, grade them with `kata grade` on one with bubblewrap, libseccomp and "
        "nested user namespaces.",
    }
)

RUN = f"""#!/usr/bin/env bash
# Runs for every submission, in strict isolation. Where that cannot hold, nothing is graded: submitted code could read
# the solutions.
set -uo pipefail
cd /autograder/source
rm -rf /autograder/class /autograder/graded
mkdir -p /autograder/class /autograder/results
cp -a /autograder/submission /autograder/class/submission
/autograder/venv/bin/kata grade /autograder/class --out /autograder/graded --isolation strict
if ! cp /autograder/graded/gradescope/*.json /autograder/results/results.json; then
    cat > /autograder/results/results.json << 'END'
{NOT_GRADED}
END
fi
"""


class PackingError(KataError):
    """The archive cannot be written; the message says why and what to do."""


def write_autograder(root: Path, out: Path) -> int:
    """Write the archive and return its size in bytes; raise PackingError if that is impossible."""
    if not (root / "solutions").is_dir():
        raise PackingError("The grader needs solutions/, which is not here: use a whole clone.")
    try:
        with zipfile.ZipFile(out, "x", zipfile.ZIP_DEFLATED) as archive:
            for name, script in (("setup.sh", SETUP), ("run_autograder", RUN)):
                entry = zipfile.ZipInfo(name, date_time=(2020, 1, 1, 0, 0, 0))
                entry.external_attr = 0o100755 << 16
                archive.writestr(entry, script)
            for path in matching_files(root, FOR_GRADESCOPE):
                archive.write(path, path.relative_to(root).as_posix())
    except FileExistsError:
        raise PackingError(f"{out} exists already: name another file, or remove it.") from None
    except OSError as error:
        raise PackingError(f"{out} cannot be written: {error.strerror}.") from None
    return out.stat().st_size
