"""Hostile and broken submissions of step 3, as texts. What they earn without their trick is 0.

`OUTSIDE` and `SECRET` stand for a folder that none may write to, and the course. Under `process`
what is in
`STRICT_ONLY` would succeed or do harm: there the reports must say so.
"""

from kata.course.files import find_root

WRONG = """
import torch
def guide(v_uncond, v_cond, scale):
    return torch.zeros_like(v_uncond)
def guided_velocity(model, x, t, y, scale, null_class):
    return torch.zeros_like(x)
"""


def inside(code: str) -> str:
    """A submission that runs a statement or more in each of its functions."""
    body = "\n".join(f"    {line}" for line in code.strip().splitlines())
    return (
        "import os, sys, time, torch\n"
        f"def guide(v_uncond, v_cond, scale):\n{body}\n    return torch.zeros_like(v_uncond)\n"
        f"def guided_velocity(model, x, t, y, scale, null_class):\n{body}\n    return torch.zeros_like(x)\n"
    )


def before(code: str) -> str:
    """A submission that runs a program while it is loaded."""
    return f"import os, sys, time, torch\n{code.strip()}\n{WRONG}"


STEAL = """
from pathlib import Path
import importlib.util
places = [p for top in ("/course", "/autograder", "/box", "SECRET", *sys.path) for p in (Path(top), Path(top) / "..")]
for place in places:
    for path in (*place.glob("NAME"), *place.glob("*/NAME")):
        if path.name not in ("conftest.py",) and "exercises" not in str(path) and "tests" not in path.parts[-3:-1]:
            text = path.read_text()
            if "raise NotImplementedError" not in text:
                exec(text, globals())
"""

ATTACKS: dict[str, str | bytes] = {
    # ends the interpreter
    "exit_at_import": before("os._exit(0)"),
    "exit_in_a_call": inside("os._exit(0)"),
    "sys_exit_at_import": before("sys.exit(0)"),
    "sys_exit_in_a_call": inside("sys.exit(0)"),
    "crash": inside("import ctypes; ctypes.string_at(0)"),
    "deep_recursion": inside("sys.setrecursionlimit(10**9)\nf = lambda f: f(f)\nf(f)"),
    "strange_exception": inside(
        "class E(BaseException):\n    def __str__(self): raise self\nE.__name__ = '<b>' * 10**6\nraise E"
    ),
    "strange_exception_at_import": before(
        "class E(BaseException):\n    def __str__(self): raise self\nraise E"
    ),
    "long_message": inside("raise ValueError('<script>alert(1)</script>' + '\\x1b[2J' * 10**6)"),
    "skips": inside("import pytest; pytest.skip()"),
    "stops_itself": inside("import signal; os.kill(os.getpid(), signal.SIGSTOP)"),
    # makes everything equal
    "replaces_comparisons": before(
        "yes = lambda *a, **k: True\ntorch.allclose = torch.equal = torch.testing.assert_close = yes\n"
        "torch.Tensor.__eq__ = torch.Tensor.allclose = torch.Tensor.equal = yes"
    ),
    "replaces_differences": before(
        "torch.Tensor.__sub__ = torch.Tensor.abs = lambda a, *b: torch.zeros_like(a)"
    ),
    "equal_to_everything": inside(
        "class Yes:\n    shape = dtype = None\n    __eq__ = lambda *a: True\n"
        "    __getattr__ = lambda self, name: self\n    __call__ = lambda self, *a, **k: self\nreturn Yes()"
    ),
    "tensor_subclass": inside(
        "class T(torch.Tensor):\n    def __torch_function__(cls, f, types, args=(), kwargs=None): return True\n"
        "return torch.zeros(1).as_subclass(T)"
    ),
    "returns_nan": inside("return torch.full((3, 1, 4, 5), float('nan'), dtype=torch.float64)"),
    "returns_code_to_unpickle": inside(
        "class P:\n    def __reduce__(self): return (os.system, ('touch OUTSIDE/unpickled',))\nreturn P()"
    ),
    "huge_answer": inside("return torch.zeros(1).expand(10**11)"),
    "sparse_answer": inside("return torch.eye(3).to_sparse()"),
    # works on the machinery in its own process
    "replaces_the_questions": before(
        "import kata.criteria.questions as q\nq.answer = lambda *a: q.Answer({'v': torch.tensor(1.0)})\n"
        "q.refusal = lambda call: 1"
    ),
    "empties_the_questions": before(
        "import kata.criteria.questions as q\nq.questions_of = lambda step: {}"
    ),
    "replaces_the_encoder": before(
        "import kata.criteria.answers as a\na.encode = lambda *x: b'\\0\\0\\0\\x02{}'"
    ),
    "replaces_the_models": before(
        "import kata.testing.models as m\nm.LabelField.velocity = lambda self, x, t, y: x * 0\n"
        "m.PointMass.velocity = lambda self, x, t, y: x * 0"
    ),
    "draws_zeros": before(
        "for name in ('randn', 'rand', 'randint'):\n"
        "    setattr(torch, name, lambda *a, **k: torch.zeros(2, 2))"
    ),
    "writes_garbage_to_the_grader": before("os.write(3, b'+' + b'\\xff' * 1000)"),
    "writes_forged_answers": before(
        "from kata.criteria.answers import encode_all\nfrom kata.criteria.questions import Answer, questions_of\n"
        "from kata.course.steps import step_by_number\n"
        "names = questions_of(step_by_number(3))\nassert len(names) > 10\n"
        "os.write(3, encode_all({n: Answer({'v': torch.tensor(1.0)}) for n in names}))\nos._exit(0)"
    ),
    "imports_the_rules": before("import kata.criteria.rules"),
    "imports_the_verdicts": before("import kata.criteria.verdicts"),
    "imports_the_judge": before("import kata.grade.judge"),
    "closes_everything": before("os.closerange(0, 1000)"),
    "looks_for_objects": before(
        "import gc, types\nfor o in gc.get_objects():\n"
        "    if isinstance(o, types.FunctionType) and o.__name__ == 'guide' and o.__module__ != __name__:\n"
        "        guide = o"
    )
    + "\nfound = [o for o in __import__('gc').get_objects() if type(o) is str and 'def guided_velocity' in o]\n"
    "exec(next((f for f in found if 'NotImpl' not in f and 'zeros_like' not in f), ''), globals())\n",
    "pretends_to_have_passed": before(
        "print('17 passed in 0.10s')\nopen('results.xml', 'w').write('ok')"
    ),
    "leaves_a_thread": before(
        "import threading\nthreading.Thread(target=lambda: time.sleep(600)).start()"
    ),
    "at_exit": before("import atexit\natexit.register(lambda: time.sleep(600))"),
    # uses up the machine
    "loops_at_import": before("while True: pass"),
    "loops_in_a_call": inside("while True: pass"),
    "sleeps": before("time.sleep(600)"),
    "takes_all_memory": inside("x = []\nwhile True: x.append(bytearray(10**8))"),
    "takes_memory_in_children": before(
        "for _ in range(8):\n    if os.fork() == 0:\n        x = []\n"
        "        for _ in range(15): x.append(os.urandom(10**8))\n        time.sleep(600)\ntime.sleep(600)"
    ),
    "forks_without_end": before("while True: os.fork()"),
    "fills_the_disk": before(
        "for i in range(10**6):\n    with open(os.path.join(os.environ['TMPDIR'], str(i)), 'wb') as f:\n"
        "        f.write(bytes(10**7))"
    ),
    "prints_without_end": before("while True: print('x' * 10**4)"),
    "answers_without_end": before("while True: os.write(3, b'+' * 10**5)"),
    "opens_many_files": before("x = [open('/dev/null') for _ in range(10**5)]"),
    # leaves its process
    "leaves_a_daemon": before(
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        os.execv(sys.executable, ['kata-attack-daemon', '-c', 'import time; time.sleep(600)'])\n"
        "    os._exit(0)"
    ),
    "kills_its_parent": before("os.kill(os.getppid(), 9)\ntime.sleep(1)"),
    "kills_its_group": before("os.kill(0, 9)"),
    # is no program
    "syntax_error": "def guide(:\n",
    "not_installed": "import tensorflow_of_1999\n" + WRONG,
    "not_utf8": b"x = 'caf\xe9'\n" + WRONG.encode(),
    "null_bytes": WRONG.encode() + b"\x00" * 10,
    "deeply_nested": "x = " + "(" * 50_000 + ")" * 50_000 + WRONG,
    "many_signs": "x = " + "-" * 100_000 + "1" + WRONG,
    "many_attributes": "x = a" + ".a" * 60_000 + WRONG,
    "many_sums": "x = 1" + "+1" * 60_000 + WRONG,
    "empty": "",
}

STRICT_ONLY: dict[str, str] = {
    "kills_all": before("os.kill(-1, 9)\ntime.sleep(1)"),
    "finds_the_solution": before(WRONG) + STEAL.replace("NAME", "solutions/step03_guidance.py"),
    "finds_a_later_solution": before(
        "from pathlib import Path\nassert [p for p in Path('SECRET/solutions').iterdir()]"
    ),
    "finds_the_tests": before(
        "from pathlib import Path\nassert [p for p in Path('SECRET/tests').iterdir()]"
    ),
    "opens_a_socket": before(
        "import socket\nsocket.create_connection(('127.0.0.1', PORT), timeout=2).send(b'x')"
    ),
    "writes_outside": before("open('OUTSIDE/written', 'w').write('x')"),
    "writes_to_the_course": before("open('SECRET/written', 'w').write('x')"),
    "mounts_and_looks": before(
        "import ctypes\nc = ctypes.CDLL(None)\nc.unshare(0x10000000 | 0x20000)\nc.umount2(b'/proc', 2)\n"
        "c.mount(b'proc', b'/proc', b'proc', 0, None)\n"
        "assert [p for p in os.listdir('/proc') if p.isdigit() and p not in ('1', str(os.getpid()))]\n"
        "os.system('touch OUTSIDE/mounted')"
    ),
    "raises_its_limits": before(
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nopen('OUTSIDE/raised', 'w')"
    ),
}


def text_of(attack: str | bytes, outside: str, port: int) -> bytes:
    """An attack's bytes, aimed at a folder, this course and a port."""
    if isinstance(attack, bytes):
        return attack
    aimed = attack.replace("OUTSIDE", outside).replace("SECRET", str(find_root()))
    return aimed.replace("PORT", str(port)).encode()
