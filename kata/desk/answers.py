"""Inside the warm runner: ask a step the probes, keep what it answered in a plain file, and diagnose.

A file of answers is one of safetensors: the tensors under numbers, and in its metadata, as JSON, which probe
gave which of them under which name, or which error. Nothing is pickled.
"""

import json
import os
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from kata.checks.diagnosis import Answers, diagnose
from kata.checks.probes import Answer, ask
from kata.course.loader import Implementation, StepError
from kata.course.manifest import step as step_number
from kata.course.mistakes import read_mistake

SEED = 2022
"""Of the inputs on which the learner's step and the known mistakes are compared. Any number would do."""


def ask_and_write(step: int, target: str, to: str, seed: int = SEED) -> None:
    """Ask the step of an implementation everything, and write its answers to a file."""
    asked = step_number(step)
    write_answers(Path(to), ask(Implementation(target).module(asked), asked, seed))


def compare(
    step: int, target: str, assembled: bool, reference: str, known: dict[str, str]
) -> dict[str, object] | None:
    """Whose answers the step of an implementation gives, the solution's or a known mistake's.

    reference: the file of the solution's answers; known: those of mistakes, by the mistake's file. Returns the
    fields of the diagnosis, the mistakes by their files; None where there is no diagnosis.
    """
    asked = step_number(step)
    try:
        module = Implementation(target, assembled).module(asked)
    except StepError:
        return None
    answers = ask(module, asked, SEED)
    mistakes = {
        read_mistake(Path(path), asked): read_answers(Path(file)) for path, file in known.items()
    }
    found = diagnose(asked, answers, read_answers(Path(reference)), mistakes)
    if found is None:
        return None
    files = [str(mistake.path) for mistake in found.mistakes]
    return {"of": found.of, "mistakes": files, "exactly": found.exactly}


def write_answers(path: Path, answers: Answers) -> None:
    """Write answers to a file, which appears whole or not at all."""
    tensors: dict[str, torch.Tensor] = {}
    described = []
    for probe, answer in answers.items():
        places = {}
        for name, value in answer.values.items():
            places[name] = str(len(tensors))
            tensors[places[name]] = value.contiguous()
        described.append([probe, answer.error, answer.message, places])
    unfinished = path.with_name(f".{path.name}-{os.getpid()}")
    save_file(tensors, unfinished, {"answers": json.dumps(described)})
    os.replace(unfinished, path)


def read_answers(path: Path) -> Answers:
    """The answers that a file holds."""
    with safe_open(path, "pt") as file:
        described = json.loads(file.metadata()["answers"])
        return {
            probe: Answer(
                {name: file.get_tensor(place) for name, place in places.items()}, error, message
            )
            for probe, error, message, places in described
        }
