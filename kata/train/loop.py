"""The training loop, in one process or in several that `torchrun` starts."""

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from kata.train.captured import CapturedStep, sent, share_of_update
from kata.train.data import Dataset
from kata.train.optimizers import Optimizers, below
from kata.train.presets import Preset


@dataclass(frozen=True)
class ProcessGroup:
    """The place of this process: `rank` among `size`; local: its number on its own machine."""

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes files and shows progress."""
        return self.rank == 0

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor, in place, by its sum over all processes."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        dist.all_reduce(flat)
        for tensor, total in zip(
            tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True
        ):
            tensor.copy_(total.view_as(tensor))

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if self.size == 1:
            return flag
        flags: list[bool] = [False] * self.size
        dist.all_gather_object(flags, flag)
        return any(flags)

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.size > 1:
            dist.barrier()


BACKENDS = {"cuda": "nccl"}
"""How processes talk to each other, by kind of device; `gloo` for all others."""


@contextmanager
def joined_group(device: torch.device) -> Iterator[ProcessGroup]:
    """Yield the group that `torchrun` sets in the environment; a group of one without it."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ProcessGroup()
        return
    dist.init_process_group(BACKENDS.get(device.type, "gloo"))
    try:
        group = ProcessGroup(dist.get_rank(), size, int(os.environ.get("LOCAL_RANK", "0")))
        yield group
        group.wait()  # whoever leaves first takes the connection along
    finally:
        dist.destroy_process_group()


CAPTURED = ("cuda",)
"""Kinds of device that repeat a step as one graph."""

Loss = Callable[..., Tensor]


class Training:
    """One run: `advance` makes a step, `parts` and `restore` are its state.

    preset: the recipe; make: step 5's `ConditionalDiT`; loss: step 6's `flow_matching_loss`;
    seed: of everything random; parts: into which a batch is split, each with its own seed; team:
    the processes that share the parts. The number of parts is a multiple of the team's size and
    divides the batch size. For the same number, a team of any size makes the same run, to rounding.
    """

    def __init__(
        self,
        preset: Preset,
        make: Callable[..., nn.Module],
        loss: Loss,
        data: Dataset,
        seed: int,
        device: torch.device,
        parts: int = 1,
        team: ProcessGroup | None = None,
    ) -> None:
        self.preset, self.loss, self.seed = preset, loss, seed
        self.device, self.num_parts, self.team = device, parts, team or ProcessGroup()
        self.step = 0
        self._order: tuple[int, Tensor] | None = None
        self._dtype = reduced_precision(device)
        torch.manual_seed(derived(seed, "weights"))
        self.model = make(**asdict(preset.model)).to(device).train()
        self.images, self.labels = data.images.to(device), data.labels.to(device)
        self.optimizers = Optimizers(self.model, preset)
        self.average = deepcopy(self.model) if preset.ema is not None else None
        self.captured = self._to_capture()

    @property
    def to_sample(self) -> nn.Module:
        """The model to sample with: the average of the weights if there is one."""
        return self.average if self.average is not None else self.model

    def advance(self) -> Tensor:
        """Make one step; return the loss of its whole batch, a 0-dim tensor.

        On a GPU nothing in it waits for the GPU, unless the steps' own code reads values.
        """
        chosen, share = self._batch(), self._rate()
        if self.captured is not None:
            total = self.captured(chosen, share, self._seed_of(0))
        else:
            total = self._gradients(chosen, self._generator)
            self.optimizers.step(share)
            self._add_to_average()
        self.step += 1
        return total

    def _gradients(self, chosen: Tensor, generator_of: Callable[[int], torch.Generator]) -> Tensor:
        """Leave the gradients of a batch in the parameters, clipped; return its loss.

        chosen: indices `(B,)`; generator_of: of each part's draws.
        """
        share = 1 / self.num_parts
        self.optimizers.zero_grad()
        total = torch.zeros((), device=self.device)
        chunks = chosen.chunk(self.num_parts)
        for part in range(self.team.rank, self.num_parts, self.team.size):
            loss = self._loss(chunks[part], generator_of(part))
            (loss * share).backward()
            total += loss.detach() * share
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        self.team.add([*gradients, total])
        if self.preset.clip is not None:
            clip_grad_norm_(self.model.parameters(), self.preset.clip)
        return total

    def _loss(self, chosen: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return the loss of the images of those indices, with its graph."""
        with self._precision():
            return self.loss(
                self.model,
                self.images[chosen],
                self.labels[chosen],
                label_drop_prob=self.preset.label_drop_prob,
                generator=generator,
            )

    def _to_capture(self) -> CapturedStep | None:
        """Return the step as a GPU repeats it; None on a CPU, and where a batch has several parts.

        Its learning rate is a tensor, so the optimizers go at their peak rates and a share of it.
        """
        if self.device.type not in CAPTURED or self.num_parts > 1:
            return None
        parameters = list(self.model.parameters())

        def update(share: Tensor) -> None:
            share_of_update(parameters, lambda: self.optimizers.step(1.0), share)
            self._add_to_average()

        return CapturedStep(
            lambda chosen, generator: self._gradients(chosen, lambda part: generator),
            update,
            self.optimizers.permit_recording,
            self.preset.batch_size,
            self.device,
        )

    @torch.no_grad()
    def _add_to_average(self) -> None:
        """Move the average toward the weights, at the first step all the way."""
        if self.average is None or self.preset.ema is None:
            return
        weight = 1 - self.preset.ema if self.step else 1.0
        torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), weight)
        for average, now in zip(self.average.buffers(), self.model.buffers(), strict=True):
            average.copy_(now)

    def parts(self) -> dict[str, dict[str, Tensor]]:
        """Return all tensors of the state: `model`, to sample with, and `training`, to go on."""
        training = {f"weights.{name}": value for name, value in self.model.state_dict().items()}
        training |= self.optimizers.tensors()
        return {"model": dict(self.to_sample.state_dict()), "training": training}

    def restore(self, parts: Mapping[str, Mapping[str, Tensor]], step: int) -> None:
        """Go on from what `parts` returned after that step.

        Raise RuntimeError, KeyError or ValueError for the tensors of another model.
        """
        training = parts["training"]
        self.model.load_state_dict(below("weights.", training))
        if self.average is not None:
            self.average.load_state_dict(parts["model"])
        self.optimizers.restore(training)
        self.captured = self._to_capture()  # a graph would write to the old state
        self.step = step

    def _rate(self) -> float:
        """Return this step's share of the peak learning rate."""
        preset = self.preset
        if preset.warmup is None:
            return 1.0
        return learning_rate(self.step, preset.steps, 1.0, preset.warmup, preset.cooldown)

    def _batch(self) -> Tensor:
        """Return the indices of this step's batch, on the device.

        An epoch leaves its incomplete last batch out.
        """
        size = self.preset.batch_size
        epoch, place = divmod(self.step, len(self.labels) // size)
        if self._order is None or self._order[0] != epoch:
            generator = torch.Generator().manual_seed(derived(self.seed, "order", epoch))
            order = torch.randperm(len(self.labels), generator=generator)
            self._order = epoch, sent(order, self.device)
        return self._order[1][place * size : (place + 1) * size]

    def _seed_of(self, part: int) -> int:
        return derived(self.seed, "draws", self.step, part)

    def _generator(self, part: int) -> torch.Generator:
        """Return a generator for the draws of one part of this step."""
        generator = torch.Generator(self.device)
        generator.manual_seed(self._seed_of(part))
        return generator

    def _precision(self) -> AbstractContextManager[Any]:
        if self._dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, self._dtype)


def reduced_precision(device: torch.device) -> torch.dtype | None:
    """Return bfloat16 on a GPU that has it, for products and attention; None: float32 for all."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return None


def derived(seed: int, *place: int | str) -> int:
    """Return a seed, 0 .. 2 ** 63 - 1, for one place in a run, such as ("order", epoch)."""
    digest = hashlib.blake2b(repr((seed, *place)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def learning_rate(
    round_: int, rounds: int, peak: float, warmup: int, cooldown: float | None = None
) -> float:
    """Return the rate of a round, from 0 on: a linear rise over `warmup` rounds to the peak, then a
    cosine that ends near 0.

    cooldown: a share of the rounds, in (0, 1]. With it the rate stays at the peak until that share
    is left, and then falls in a straight line to near 0.
    """
    rise = min(1.0, (round_ + 0.5) / warmup) if warmup else 1.0
    if cooldown is None:
        return peak * rise * 0.5 * (1 + math.cos(math.pi * round_ / rounds))
    return peak * rise * min(1.0, (1 - round_ / rounds) / cooldown)
