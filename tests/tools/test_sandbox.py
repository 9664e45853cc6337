"""The sandbox never loads a rule's expected values: what it sees of the course, and what it has
loaded.
"""

import ast
import json
import os
import subprocess
import symtable
import sys

import pytest

from kata.course.files import find_root
from kata.course.steps import GRADED_STEPS, STEPS
from kata.grade.sandbox.client import Sandboxes, SandboxJob
from kata.grade.sandbox.isolation import Limits
from kata.grade.sandbox.view import questions_only, view_of_course

ROOT = find_root()
STEP = STEPS[3]
CRITERIA = sorted((ROOT / "kata" / "criteria").glob("step*.py"))
JUDGING = {
    *("kata.criteria.rules", "kata.criteria.verdicts", "kata.criteria.diagnosis"),
    *("kata.testing.bounds", "kata.testing.closed_forms", "kata.testing.assertions"),
}
"""The modules that hold rules, apply them, or work out expected values."""


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree):
    """The modules that a file imports, and the names that it imports from judging ones."""
    modules, names = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module)
            if node.module in JUDGING:
                names |= {alias.asname or alias.name for alias in node.names}
    return modules, names


def asked(tree):
    """The names of a file's questions."""
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef) and _marks(n) & {"asks"}}


def _marks(function):
    calls = (d for d in function.decorator_list if isinstance(d, ast.Call))
    return {call.func.id for call in calls if isinstance(call.func, ast.Name)}


def defined(tree):
    """The functions, classes and constants of a file."""
    names = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    assigned = (n for n in tree.body if isinstance(n, ast.Assign | ast.AnnAssign))
    targets = (
        t for n in assigned for t in (n.targets if isinstance(n, ast.Assign) else [n.target])
    )
    return names | {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}


def used(text):
    """The names of its module that a file reads; local variables do not count."""

    def read_in(table):
        outermost = table.get_type() == "module"
        symbols = table.get_symbols()
        names = {
            s.get_name() for s in symbols if s.is_global() or (outermost and s.is_referenced())
        }
        return names.union(*map(read_in, table.get_children()))

    return read_in(symtable.symtable(text, "criteria", "exec"))


def rule_names():
    """Every function, class and imported name by which a rule could be reached."""
    names = set()
    for module in JUDGING:
        tree = parsed(ROOT / f"{module.replace('.', '/')}.py")
        names |= {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    return names.union(*(imported(parsed(path))[1] for path in CRITERIA))


@pytest.fixture(scope="module")
def view():
    with view_of_course(ROOT) as folder:
        yield folder


@pytest.mark.parametrize("path", CRITERIA, ids=lambda path: path.stem)
def test_a_cut_file_asks_everything_and_judges_nothing(view, path):
    """All questions are there, and nothing besides what they use: no rule, no helper of a rule,
    no import of one.
    """
    whole, cut = parsed(path), parsed(view / path.relative_to(ROOT))
    modules, names = imported(cut)
    assert not modules & JUDGING
    assert not names
    assert asked(cut) == asked(whole)
    read = used((view / path.relative_to(ROOT)).read_text(encoding="utf-8"))
    assert defined(cut) <= asked(cut) | read
    assert not (defined(cut) | read) & imported(whole)[1]


def test_a_value_in_several_statements_stays_whole():
    """A list that is added to later is kept with what is added, and with what that uses."""
    text = (
        '"""Step 0."""\nMORE = [2]\nSIZES = [1]\nSIZES += MORE\n'
        "@asks('f')\ndef question(step, g):\n    return {str(n): step.f(n) for n in SIZES}\n"
    )
    assert {"MORE = [2]", "SIZES += MORE"} <= set(questions_only(text).splitlines())
    with pytest.raises(ValueError, match="line 2: criteria hold definitions"):
        questions_only('"""Step 0."""\nfor n in (1, 2):\n    print(n)\n')


def test_what_only_a_rule_uses_is_cut():
    """Its helpers, its constants, its imports; a constant that a question uses too stays."""
    text = (
        '"""Step 0."""\n'
        "import math\nimport torch\n"
        "from kata.criteria.questions import asks\nfrom kata.criteria.rules import Criterion, rule\n"
        "SIZE = 3\nEXPECTED = math.pi\n"
        "def inputs(g):\n    return torch.ones(SIZE)\n"
        "def correct(a, b):\n    return a == EXPECTED * SIZE\n"
        "@asks('f')\ndef question(step, g):\n    rule = step.f(inputs(g))\n    return {'y': rule}\n"
        "rule(question, Criterion(correct))\n"
    )
    assert questions_only(text) == (
        '"""Step 0."""\n'
        "import torch\nfrom kata.criteria.questions import asks\nSIZE = 3\n\n"
        "def inputs(g):\n    return torch.ones(SIZE)\n\n"
        "@asks('f')\ndef question(step, g):\n    rule = step.f(inputs(g))\n    return {'y': rule}\n"
    )


def test_the_view_holds_no_module_that_judges(view):
    """Nor the grader, the learner's side, a solution or a test."""
    files = {p.relative_to(view).as_posix() for p in view.rglob("*") if p.is_file()}
    assert not files & {f"{module.replace('.', '/')}.py" for module in JUDGING}
    assert {name.split("/")[0] for name in files} == {"kata"}
    rooms = {name.split("/")[1] for name in files} - {"__init__.py"}
    assert rooms == {"course", "criteria", "given", "grade", "testing"}
    grade = {n.removeprefix("kata/grade/") for n in files if n.startswith("kata/grade/")}
    assert all(name == "__init__.py" or name.startswith("sandbox/") for name in grade)


REPORT = '''
import dis
import json
import sys
from types import CodeType, FunctionType

import torch


def codes(thing, seen):
    """All code objects of a function or class of kata, nested ones included."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, CodeType):
        yield thing
        for constant in thing.co_consts:
            yield from codes(constant, seen)
    elif isinstance(thing, FunctionType):
        yield from codes(thing.__code__, seen)
        for cell in thing.__closure__ or ():
            yield from codes(cell.cell_contents, seen)
    elif isinstance(thing, type) and thing.__module__.partition(".")[0] == "kata":
        for inner in list(vars(thing).values()):
            yield from codes(inner, seen)


def report():
    loaded = sorted(name for name in sys.modules if name.partition(".")[0] == "kata")
    names, ruled, seen = set(), [], set()
    for module in loaded:
        if module.startswith("kata.criteria"):
            names |= set(vars(sys.modules[module]))
            for name, thing in list(vars(sys.modules[module]).items()):
                ruled += [name] * hasattr(thing, "criterion")
                for code in codes(thing, seen):
                    names.add(code.co_name)
                    for step in dis.get_instructions(code):
                        if step.opname.startswith(("LOAD_GLOBAL", "LOAD_NAME")):
                            names.add(str(step.argval))
    return {"loaded": loaded, "names": sorted(names), "ruled": ruled}


def guide(v_uncond, v_cond, scale):
    print("told to nobody")
    return torch.tensor(list(json.dumps(report()).encode()), dtype=torch.uint8)


def guided_velocity(model, x, t, y, scale, null_class):
    return x
'''


def reported(isolation):
    """What that submission finds in the process that runs it."""
    enough = Limits(cpu=60, wall=120)  # it reads much code
    job = SandboxJob(STEP, {f"exercises/{STEP.file}": REPORT.encode()}, limits=enough)
    with Sandboxes(ROOT, isolation, workers=1) as sandboxes:
        reply = sandboxes.run(job, seed=1)
    assert not reply.ended
    assert not reply.decoded.refused
    answer = reply.decoded.answers["scale_zero_is_unconditional"]
    assert not answer.error, answer.message
    return json.loads(bytes(answer.values["v"].tolist()))


@pytest.fixture(scope="module")
def inside(isolation):
    return reported(isolation)


def test_no_rule_is_loaded_beside_a_submission(inside):
    """Of the grader only the sandbox, of the criteria only the questions, of the helpers only
    the stand-in models.
    """
    loaded = set(inside["loaded"])
    assert not loaded & JUDGING
    graded = tuple(step.folder for step in GRADED_STEPS)
    asked = {f"kata.criteria.{path.stem}" for path in CRITERIA if path.stem.startswith(graded)}
    assert asked <= loaded
    grader = {name for name in loaded if name.startswith("kata.grade")}
    assert all(f"{name}.".startswith("kata.grade.sandbox.") for name in grader - {"kata.grade"})
    assert {name.split(".")[1] for name in loaded - {"kata"}} == {
        *("course", "criteria", "given", "grade", "testing"),
    }


def test_no_loaded_code_carries_the_name_of_a_rule(inside):
    """Neither defines one nor looks one up, nested functions included; and no question has its
    rule attached.
    """
    assert len(rule_names()) > 30
    assert not set(inside["names"]) & rule_names()
    assert not inside["ruled"]


def test_where_there_is_no_fork_a_process_serves_one_job(monkeypatch):
    """The same answers, from a process of its own; what a submission prints does not get between
    them.
    """
    monkeypatch.delattr(os, "fork", raising=False)
    assert not set(reported("process")["loaded"]) & JUDGING


def test_the_rules_are_seen_where_they_are_loaded():
    """The report is not blind: in a process that judges, it finds rules, names and modules."""
    program = f"{REPORT}\nfrom kata.grade import judge\nimport kata.criteria.step03\nprint(json.dumps(report()))"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = json.loads(run.stdout)
    assert set(found["loaded"]) & JUDGING
    assert set(found["names"]) & rule_names()
    assert found["ruled"]
