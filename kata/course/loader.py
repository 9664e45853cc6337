"""Swap the implementation, never the tests: load the steps from any folder, or one step from one
file.

*Isolated*, the default, a file under test finds the solutions of the steps that its own builds on
where it says `from .step03_guidance import guide`, so the steps can be done in any order.
*Assembled*, it finds its own neighbours. A file that has a step's name is that step; a file of any
other name in a folder `stepNN` holds changes to step NN: the solution's text and then the file's
are executed in one module. No file is loaded twice in one run.
"""

import importlib
import itertools
import os
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from kata.course import KataError
from kata.course.files import find_root, pasted, shown, source_text
from kata.course.steps import (
    STEPS,
    Step,
    foundations,
    step_by_number,
    step_of_file,
    step_of_folder,
)


@dataclass(frozen=True)
class LoadFault:
    """Why a step did not load, without free text: all that a sandbox tells of it.

    code: "syntax", "no dot", "neighbour" (it imports a step that is not there) or "error"; error:
    the class of what was raised; line: the last line of the step's own file that led there, or 0.
    """

    code: str = "error"
    error: str = ""
    line: int = 0


class StepError(KataError):
    """A step cannot be loaded; the message is one sentence that says why and what to do."""

    def __init__(self, message: str, fault: LoadFault | None = None) -> None:
        super().__init__(message)
        self.fault = fault or LoadFault()


class Implementation:
    """The steps under test: which files they are, and their modules.

    target: `exercises`, `solutions`, any folder of step files, or one file. root: the course's
    folder, by default that of `find_root`. Raise StepError if the target is none of these.
    """

    def __init__(
        self, target: str | Path, assembled: bool = False, root: Path | None = None
    ) -> None:
        self.root = root or find_root()
        self.asked_assembled = assembled
        self.path = _locate(target, self.root)
        self.solutions = (self.root / "solutions").resolve()
        self.changes = self.path.is_file() and step_of_file(self.path) is None
        self.files = _files_under_test(self.path, self.solutions)
        self.assembled = assembled or not self.solutions.is_dir() or self.path == self.solutions
        if self.assembled:
            neighbours = {**_step_files(self._folder()), **self.files}
            self._package = _packages.add("kata_assembled", neighbours)

    def _folder(self) -> Path:
        """Return the folder of the neighbours if all steps are taken from one place."""
        if self.path.is_dir():
            return self.path
        return self.solutions if self.changes else self.path.parent

    def options(self) -> str:
        """Return the options by which a command finds these files, ready to paste: none for
        exercises/.
        """
        is_default = self.path == _existing("exercises", self.root)
        return ("" if is_default else f" --impl {pasted(self.path)}") + (
            " --assembled" if self.asked_assembled else ""
        )

    def module(self, step: Step) -> ModuleType:
        """Return the module of a step. Raise StepError if it is missing or does not load."""
        if step.number not in self.files:
            raise _no_file(self.path, step)
        package = self._package if self.assembled else self._isolated_package(step)
        try:
            with _process_as_before(self.files[step.number][-1]):
                module = importlib.import_module(f"{package}.{step.name}")
            vars(module).setdefault("__getattr__", self._missing(step, module))
            return module
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a step may even call sys.exit() while it loads
            raise self._why(step, error, package) from None

    def _isolated_package(self, step: Step) -> str:
        """Return a package of the file under test and the one copy of the solutions under it."""
        package = _packages.add(f"kata_{step.folder}", {step.number: self.files[step.number]})
        if f"{package}.{step.name}" not in sys.modules:
            below_here = _step_files(self.solutions)
            solutions = _packages.add("kata_solutions", below_here)
            for below in (s for s in foundations(step) if s.number in below_here):
                _packages.stand_ins[f"{package}.{below.name}"] = f"{solutions}.{below.name}"
        return package

    def _missing(self, step: Step, module: ModuleType) -> Callable[[str], NoReturn]:
        """Return a module's `__getattr__`, which is called for names that the file does not
        define.
        """

        def complain(name: str) -> NoReturn:
            path = shown(self.files[step.number][-1])
            raise AttributeError(
                f"{path} defines no {name}: step {step.number} is {', '.join(step.public)}.",
                name=name,
                obj=module,
            )

        return complain

    def _why(self, step: Step, error: BaseException, package: str) -> StepError:
        own = self.files[step.number][-1]
        path, kind, line = shown(own), type(error).__name__, own_line(error, str(own))
        if isinstance(error, SyntaxError) and error.filename in (None, str(own)):
            line = error.lineno if isinstance(error.lineno, int) else 0
            place = f"{path}, line {line}" if line else path
            return StepError(
                f"{place}: syntax error, {error.msg}.", LoadFault("syntax", kind, line)
            )
        if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith(f"{package}."):
            missing = (error.name or "").removeprefix(f"{package}.")
            if any(s.name == missing for s in STEPS):
                return StepError(
                    missing_step(path, missing, self.assembled), LoadFault("neighbour", kind, line)
                )
        if isinstance(error, ModuleNotFoundError) and any(s.name == error.name for s in STEPS):
            return StepError(missing_dot(path, error.name or ""), LoadFault("no dot", kind, line))
        place = f" (line {line} of {path})" if line else ""
        return StepError(
            f"{path} does not load: {kind}: {words_of_error(error)}{place}.",
            LoadFault("error", kind, line),
        )


def missing_step(place: str, name: str, assembled: bool) -> str:
    """Return the sentence about a file that imports a step which is not there.

    assembled: beside the other steps of the same person.
    """
    where = "next to it" if assembled else "among the steps it builds on"
    return f"{place} imports {name}, which is not there {where}."


def missing_dot(place: str, name: str) -> str:
    """Return the sentence about a file that imports a step of that name without a dot."""
    return f"{place} imports {name} without a dot: write `from .{name} import`."


def own_line(error: BaseException, file: str) -> int:
    """Return the last line of a file that led to an error, or 0 if none did."""
    line = 0
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == file:
            line = number
    return line


def words_of_error(error: BaseException) -> str:
    """Return an error's message; "" if asking for it raises another error."""
    try:
        return str(error)
    except BaseException:
        return ""


class Transplant(Implementation):
    """Some steps of an implementation in place of the solutions' own; all other steps use them.

    numbers: the steps that are taken. Raise StepError if target or solutions/ is not there.
    """

    def __init__(self, target: str | Path, numbers: Collection[int]) -> None:
        super().__init__(target)
        if not self.solutions.is_dir():
            raise StepError("solutions/ is not part of this copy, so nothing can be put into it.")
        for number in set(numbers) - set(self.files):
            raise _no_file(self.path, STEPS[number])
        taken = {n: self.files[n] for n in numbers}
        self.files = {**_step_files(self.solutions), **taken}
        self.assembled = True
        self._package = _packages.add("kata_transplant", self.files)


def load_anew(number: int, target: str | Path = "exercises") -> ModuleType:
    """Return the module of a step as its file is now; what was loaded before stays as it is.

    Raise StepError if there is no step of that number, or if it does not load.
    """
    if all(number != step.number for step in STEPS):
        first, last = STEPS[0].number, STEPS[-1].number
        raise StepError(f"There is no step {number!r}: name one from {first} to {last}.")
    implementation = Implementation(target)
    _packages.forget_modules(implementation.path)
    return implementation.module(step_by_number(number))


def unload() -> None:
    """Forget every step that was loaded, so that this process can load another implementation."""
    _packages.clear()


def joined_text(files: Sequence[Path]) -> str:
    """Return the text of a step that is made of several files: its solution's, then the changes."""
    return "\n\n".join(source_text(file) for file in files)


@contextmanager
def _process_as_before(path: Path) -> Iterator[None]:
    """Load a file as if it were started alone, and undo what it sets for the whole process.

    Its arguments are empty. The working directory, the standard streams and torch's settings are
    afterwards what they were.
    """
    arguments, folder, streams = sys.argv, Path.cwd(), (sys.stdout, sys.stderr)
    settings = _torch_settings()
    sys.argv = [str(path)]
    try:
        yield
    finally:
        sys.argv, (sys.stdout, sys.stderr) = arguments, streams
        os.chdir(folder)
        if "torch" in sys.modules:
            import torch

            dtype, device, threads, gradients = settings or (torch.float32, None, None, True)
            torch.set_default_dtype(dtype)
            torch.set_grad_enabled(gradients)
            if torch.get_default_device() != (device or torch.device("cpu")):
                torch.set_default_device(device)
            if threads and torch.get_num_threads() != threads:
                torch.set_num_threads(threads)


def _torch_settings() -> tuple[Any, ...] | None:
    """Return torch's settings of the process; None if torch is not imported yet."""
    if "torch" not in sys.modules:
        return None
    import torch

    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
    )


class _Source(Loader):
    """Executes one or more files, one after another, as one module, and leaves no bytecode
    behind.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = files

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self.files[-1])
        for file in self.files:
            exec(compile(file.read_bytes(), str(file), "exec"), vars(module))


class _StandIn(Loader):
    """Puts another module in a module's place, which is loaded when it is first asked for."""

    def __init__(self, other: str) -> None:
        self.other = other

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = importlib.import_module(self.other)


class _Packages(MetaPathFinder):
    """Finds the step modules of the packages that were added."""

    def __init__(self) -> None:
        self.sources: dict[str, Sequence[Path]] = {}
        self.packages: dict[str, dict[int, tuple[Path, ...]]] = {}
        self.stand_ins: dict[str, str] = {}

    def add(self, wanted: str, files: dict[int, tuple[Path, ...]]) -> str:
        """Make a package of those files unless there is one; return its name, numbered if
        necessary.
        """
        names = (wanted if n == 1 else f"{wanted}_{n}" for n in itertools.count(1))
        package = next(n for n in names if self.packages.get(n, files) == files)
        if package in self.packages:
            return package
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        module = ModuleType(package)
        module.__path__ = []
        sys.modules[package] = module
        self.packages[package] = files
        self.sources.update({f"{package}.{STEPS[n].name}": paths for n, paths in files.items()})
        return package

    def forget_modules(self, folder: Path) -> None:
        """Load the files of a folder again when they are next imported."""
        for name, paths in self.sources.items():
            if paths[-1].parent == folder:
                sys.modules.pop(name, None)

    def clear(self) -> None:
        for name in [n for n in sys.modules if n.partition(".")[0] in self.packages]:
            del sys.modules[name]
        self.sources.clear()
        self.packages.clear()
        self.stand_ins.clear()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if other := self.stand_ins.get(fullname):
            return ModuleSpec(fullname, _StandIn(other))
        files = self.sources.get(fullname)
        return ModuleSpec(fullname, _Source(files), origin=str(files[-1])) if files else None


_packages = _Packages()


def _locate(target: str | Path, root: Path) -> Path:
    if (found := _existing(target, root)) is not None:
        return found
    raise StepError(
        f"--impl {target if isinstance(target, str) else shown(target)}: there is no such folder or file; "
        "say exercises, solutions, a folder of step files, or one step's file."
    )


def _existing(target: str | Path, root: Path) -> Path | None:
    """Return the first of target and root/target that exists, links resolved."""
    places = (Path(target), root / target)
    return next((place.resolve() for place in places if place.exists()), None)


def _no_file(path: Path, step: Step) -> StepError:
    return StepError(
        f"{shown(path)} has no {step.file}: "
        f"put the file there, or name another folder or file with --impl."
    )


def _step_files(folder: Path) -> dict[int, tuple[Path, ...]]:
    return {s.number: (folder / s.file,) for s in STEPS if (folder / s.file).is_file()}


def _files_under_test(path: Path, solutions: Path) -> dict[int, tuple[Path, ...]]:
    if path.is_dir():
        files = _step_files(path)
        if not files:
            raise StepError(
                f"--impl {shown(path)}: the folder holds none of the step files, "
                f"{STEPS[0].file} to {STEPS[-1].file}."
            )
        return files
    if step := step_of_file(path):
        return {step.number: (path,)}
    if (step := step_of_folder(path.parent)) and path.suffix == ".py":
        if not (solutions / step.file).is_file():
            raise StepError(
                f"--impl {shown(path)}: it changes {step.file}, which solutions/ does not hold."
            )
        return {step.number: (solutions / step.file, path)}
    raise StepError(
        f"--impl {shown(path)}: a file must have a step's name ({STEPS[3].file}) "
        "or lie in a folder like step03 as changes to it."
    )
