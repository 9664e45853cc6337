"""What a sandbox sees of the course: the questions, and nothing that knows a correct answer.

The view is a folder of its own, made when the sandboxes start and removed with them. Of each
criteria file it holds only the questions and what they use. So no rule, and no value that a rule
expects, is loaded beside submitted code.
"""

import ast
import symtable
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kata.course.files import matching_files

COPIED = (
    *("__init__.py", "given/*.py", "course/*"),
    *("testing/__init__.py", "testing/devices.py", "testing/models.py", "testing/spies.py"),
    "criteria/answers.py",
    *("grade/__init__.py", "grade/sandbox/__init__.py", "grade/sandbox/server.py"),
    *(f"grade/sandbox/{name}.py" for name in ("isolation", "processes", "inspection", "pages")),
)
"""What is copied whole, below kata/: enough to load and to ask a submission, not to judge it."""

KNOWN = (
    *(ast.Expr, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef),
    *(ast.Assign, ast.AnnAssign, ast.AugAssign),
)
"""The statements of a criteria file."""


@contextmanager
def view_of_course(root: Path) -> Iterator[Path]:
    """Make the view in a temporary folder, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="kata-view-") as folder:
        write_questions(root, Path(folder))
        for path in matching_files(root / "kata", COPIED):
            _write(Path(folder) / path.relative_to(root), path.read_bytes())
        yield Path(folder)


def write_questions(root: Path, folder: Path) -> int:
    """Write kata/criteria/ below a folder, without its rules; return the number of files."""
    criteria = root / "kata" / "criteria"
    files = {name: (criteria / name).read_bytes() for name in ("__init__.py", "questions.py")}
    for path in criteria.glob("step*.py"):
        files[path.name] = questions_only(path.read_text(encoding="utf-8")).encode()
    for name, text in files.items():
        _write(folder / "kata" / "criteria" / name, text)
    return len(files)


def questions_only(text: str) -> str:
    """Return a criteria file's text, cut to its docstring, its questions, and what they use.

    Raise ValueError for a statement of which it is not plain who uses it.
    """
    tree = ast.parse(text)
    for node in tree.body:
        if not isinstance(node, KNOWN):
            raise ValueError(f"line {node.lineno}: criteria hold definitions and calls of rule().")
    tables = {t.get_name(): t for t in symtable.symtable(text, "criteria", "exec").get_children()}
    names = {name for node in tree.body for name in _defines(node)}
    wanted: set[str] = set()
    waiting = [n for node in tree.body if _is_question(node) for n in _defines(node)]
    while waiting:
        name = waiting.pop()
        if name in wanted or name not in names:
            continue
        wanted.add(name)
        for node in tree.body:
            if name in _defines(node):
                waiting += _uses(node, tables.get(name))
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            node.names = [alias for alias in node.names if _bound(alias) in wanted]
    kept = [
        node
        for number, node in enumerate(tree.body)
        if (number == 0 and isinstance(node, ast.Expr))
        or (not isinstance(node, ast.Import | ast.ImportFrom) and wanted & set(_defines(node)))
        or (isinstance(node, ast.Import | ast.ImportFrom) and node.names)
    ]
    return ast.unparse(ast.Module(kept, type_ignores=[])) + "\n"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _is_question(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(d, ast.Call) and isinstance(d.func, ast.Name) and d.func.id == "asks"
        for d in node.decorator_list
    )


def _defines(node: ast.stmt) -> list[str]:
    """The module-level names that a statement binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [_bound(alias) for alias in node.names]
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    return []


def _uses(node: ast.stmt, table: symtable.SymbolTable | None) -> set[str]:
    """The module's names that a statement needs; local variables of the same names do not count."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return set()
    if table is None or not isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    outside: list[ast.AST] = [*node.decorator_list]
    outside += node.bases if isinstance(node, ast.ClassDef) else [node.args]
    return _globals(table) | {n.id for o in outside for n in ast.walk(o) if isinstance(n, ast.Name)}


def _globals(table: symtable.SymbolTable) -> set[str]:
    own = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
    return own.union(*map(_globals, table.get_children()))


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]
