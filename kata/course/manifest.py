"""The manifest: everything that is to be known about a step, said once."""

import re
from dataclasses import dataclass
from pathlib import Path

from kata.course.hints import HINTS


@dataclass(frozen=True)
class Step:
    """One exercise. `difficulty` runs from 1 (a few lines) to 5; `minutes` is for a first honest try."""

    number: int
    name: str
    title: str
    public: tuple[str, ...]
    builds_on: tuple[int, ...]
    minutes: int
    difficulty: int
    points: int

    @property
    def hints(self) -> tuple[str, str, str]:
        """A question, a pointer, and nearly code."""
        return HINTS[self.number]

    @property
    def file(self) -> str:
        """The file's name in `exercises/` and in `solutions/`."""
        return f"{self.name}.py"

    @property
    def test_file(self) -> str:
        """The file's name in `tests/`."""
        return f"test_{self.name}.py"

    @property
    def folder(self) -> str:
        """The folder's name in `tests/mistakes/` and in `tests/alternatives/`."""
        return f"step{self.number:02d}"


STEPS: tuple[Step, ...] = (
    Step(
        1,
        "step01_embeddings",
        "A row for every class, and one for any",
        ("ClassEmbedding",),
        (),
        15,
        1,
        8,
    ),
    Step(
        2,
        "step02_conditioning",
        "Time plus class, and what it scales",
        ("combine", "modulate"),
        (),
        15,
        1,
        8,
    ),
    Step(
        3,
        "step03_guidance",
        "Classifier-free guidance",
        ("guide", "guided_velocity"),
        (),
        30,
        3,
        14,
    ),
    Step(4, "step04_label_dropout", "Label dropout", ("drop_labels",), (), 15, 2, 10),
    Step(5, "step05_model", "The conditional DiT", ("ConditionalDiT",), (1, 2), 30, 3, 12),
    Step(
        6,
        "step06_training",
        "Training by flow matching",
        ("interpolate", "flow_matching_loss", "ConditionalTrainer"),
        (4,),
        60,
        4,
        16,
    ),
    Step(
        7,
        "step07_sampling",
        "Guided sampling",
        ("sample", "sample_conditional", "sample_each_class"),
        (3,),
        45,
        4,
        14,
    ),
    Step(
        8,
        "step08_guidance_scale",
        "Fidelity against diversity",
        ("compare_cfg_scales", "fidelity", "diversity"),
        (7,),
        25,
        2,
        6,
    ),
    Step(9, "step09_sampling_modes", "Three sampling modes", ("compare_modes",), (7,), 15, 2, 6),
    Step(
        10,
        "step10_learned_embeddings",
        "What the class table learned",
        ("similarity_matrix", "simple_pca"),
        (),
        20,
        2,
        6,
    ),
)


def step(number: int) -> Step:
    """The step of that number, 1 to 10; ValueError for any other."""
    if not 1 <= number <= len(STEPS):
        raise ValueError(f"there is no step {number}: the steps are 1 to {len(STEPS)}")
    return STEPS[number - 1]


def step_of_file(path: Path) -> Step | None:
    """The step whose file, or whose test file, has that name; None for other files."""
    return next((s for s in STEPS if path.name in (s.file, s.test_file)), None)


def step_of_folder(path: Path) -> Step | None:
    """The step whose mistakes or alternatives lie in a folder of that name (`step03`); None for other folders."""
    match = re.fullmatch(r"step(\d\d)", path.name)
    return next((s for s in STEPS if match and s.number == int(match[1])), None)
