"""Every line that trains, draws or measures has run somewhere: what no test runs are calls of a
GPU's driver.
"""

import ast
import subprocess
import sys

import pytest

from kata.course.files import find_root

ROOT = find_root()
ROOMS = ("train", "lab")
GPU = ROOT / "kata" / "train" / "gpu.py"

NEED_A_DRIVER = {
    "take_gpu": "only a driver has GPUs to choose from",
    "name_of_gpu": "the driver knows the card",
    "wait_for_gpu": "waits for the driver's queue",
    "gpu_memory": "the driver's memory is counted",
    "pinned": "the driver pins memory of the CPU",
    "no_waiting": "the driver's waits are refused",
    "beside": "a stream is the driver's",
    "recorded": "so is a graph",
    "again": "and its replay, within `recorded`",
}
"""The functions of kata/train/gpu.py, none of which runs without a GPU, and why."""

TESTS = (
    "training",
    "by_trainer",
    "checked_steps",
    "data",
    "checkpoints",
    "classifier",
    "metrics",
    "muon",
    "samplers",
    "pipeline",
    "demo",
    "demo_errors",
    "final",
    "generate",
    "bench",
    "ship",
    "shipped",
    "rehearsed",
)
"""The tests of those rooms, tests/tools/test_*.py."""

SETTINGS = """
[run]
source =
    kata.train
    kata.lab
patch =
    subprocess
    _exit
    fork
parallel = true
sigterm = true
data_file = {data}
"""


def functions_at(tree, line):
    """Return the names of the functions that hold a line."""
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.lineno <= line <= node.end_lineno
    ]


def files():
    return [path for room in ROOMS for path in sorted((ROOT / "kata" / room).rglob("*.py"))]


@pytest.mark.slow
@pytest.mark.dev
def test_what_no_test_runs_needs_a_driver(tmp_path):
    """The list of lines that no device has run has nothing else in it. Processes that the tests
    start are measured too. Whether the tests pass is told where they run by themselves.
    """
    coverage = pytest.importorskip("coverage", reason="needs the extra: pip install -e '.[dev]'")
    settings, data = tmp_path / "coverage.ini", tmp_path / "data"
    settings.write_text(SETTINGS.format(data=data), encoding="utf-8")
    tests = [f"tests/tools/test_{name}.py" for name in TESTS]
    options = ["--impl", "solutions", "-q", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [
            *(sys.executable, "-m", "coverage", "run", f"--rcfile={settings}", "-m", "pytest"),
            *(*options, "-m", "not browser and not mnist_data", *tests),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode in (0, 1), run.stdout[-4000:] + run.stderr[-4000:]
    found = coverage.Coverage(data_file=str(data), config_file=str(settings))
    found.combine([str(tmp_path)])
    unrun = []
    for path in files():
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        for line in found.analysis2(str(path))[3]:
            if path != GPU or not NEED_A_DRIVER.keys() & set(functions_at(tree, line)):
                code = text.splitlines()[line - 1].strip()
                unrun.append(f"{path.relative_to(ROOT)}:{line}: {code}")
    assert not unrun, "\n".join(unrun)


def test_no_line_is_hidden_from_the_list():
    """No comment takes lines out of the measurement."""
    hidden = [str(path) for path in files() if "no cover" in path.read_text(encoding="utf-8")]
    assert hidden == []


def test_each_call_of_the_driver_has_its_reason():
    """The list is that of the functions of its file, and no other file calls the driver."""
    tree = ast.parse(GPU.read_text(encoding="utf-8"))
    named = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert named == NEED_A_DRIVER.keys()
    asked = {"is_available", "is_bf16_supported"}  # answered on any machine
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}: torch.cuda.{node.attr}"
        for path in sorted((ROOT / "kata").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node.value) == "torch.cuda"
        and node.attr not in asked
        and path != GPU
    ]
    assert calls == []
