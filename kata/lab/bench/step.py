"""The cost of a training step: against the machine's matrix-product peak, and against a plain implementation."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from kata.given import DiT
from kata.lab.bench.plain import decoder, with_attention_weights
from kata.lab.bench.timing import MATRIX_SIZES, Task, in_turn, peak, products, runs

Loss = Callable[..., Tensor]
STEP, PLAIN = "step", "plain"
RESIDENT = 1024
"""How many random images lie ready; what they show does not change the time."""


@dataclass(frozen=True)
class StepCost:
    """Seconds of every step and plain step, the FLOP of one step by the model's own sums, the peak in FLOP/s."""

    precision: str
    batch_size: int
    parameters: int
    step: list[float]
    plain: list[float]
    flop: int
    peak: float

    @property
    def rate(self) -> float:
        """FLOP/s of the median step."""
        return self.flop / median(self.step)

    @property
    def share(self) -> float:
        """Of the peak, in [0, 1]."""
        return self.rate / self.peak


def cost_of_step(
    make: Callable[[], DiT],
    loss: Loss,
    device: torch.device,
    precision: str = "fp32",
    batch_size: int = 128,
    repeats: int = 7,
    sizes: tuple[int, ...] | None = None,
    on_run: Callable[[], None] = lambda: None,
) -> StepCost:
    """Forward, backward and AdamW on one batch of one-channel images, as `kata train` does it and plainly, in turn.

    make: step 5's `ConditionalDiT`; loss: step 6's `flow_matching_loss`; precision: `fp32` or `bf16`, which is
    autocast; sizes: of the products, None for those of the device; on_run: called `runs_of_step(...)` times.
    Plain is: attention that returns its weights, every image of a batch decoded from bytes by itself, AdamW
    as torch makes it. On a GPU the model that is not plain is compiled.
    """
    model = make().to(device).train()
    plain = with_attention_weights(model)
    pixels = np.random.default_rng(0).integers(
        0, 256, (RESIDENT, *model.image_shape[1:]), dtype=np.uint8
    )
    decode = decoder(pixels)
    resident = (torch.from_numpy(pixels)[:, None].float() / 127.5 - 1).to(device)
    labels = (torch.arange(RESIDENT) % 10).to(device)

    def task(net: nn.Module, fast: bool, images: Callable[[Tensor], Tensor]) -> Task:
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, fused=fast or None)
        called = torch.compile(net) if fast and device.type == "cuda" else net

        def step() -> None:
            chosen = torch.randint(RESIDENT, (batch_size,))
            x0 = images(chosen)
            with _precise(precision, device):
                value = loss(called, x0, labels[chosen.to(device)])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()

        return step

    tasks = products(_sizes(sizes, device), device, _dtype(precision))
    tasks[STEP] = task(model, True, lambda chosen: resident[chosen.to(device)])
    tasks[PLAIN] = task(plain, False, lambda chosen: decode(chosen).to(device))
    seconds = in_turn(tasks, repeats, device, on_run)
    step, plain_step = seconds.pop(STEP), seconds.pop(PLAIN)
    return StepCost(
        precision,
        batch_size,
        sum(p.numel() for p in model.parameters()),
        step,
        plain_step,
        flop_of_step(model, loss, resident[:batch_size], labels[:batch_size]),
        peak(seconds),
    )


def runs_of_step(device: torch.device, repeats: int) -> int:
    """How often `cost_of_step` calls `on_run`."""
    return runs(len(_sizes(None, device)) + 2, repeats)


def flop_of_step(model: nn.Module, loss: Loss, x0: Tensor, labels: Tensor) -> int:
    """The model's FLOP of forward and backward: products alone, and nothing that a kernel computes twice."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        loss(model, x0, labels).backward()
    model.zero_grad()
    return int(counter.get_total_flops())


def _sizes(sizes: tuple[int, ...] | None, device: torch.device) -> tuple[int, ...]:
    return sizes or MATRIX_SIZES.get(device.type, MATRIX_SIZES["cpu"])


def _dtype(precision: str) -> torch.dtype:
    return {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]


def _precise(precision: str, device: torch.device) -> "torch.autocast | nullcontext[None]":
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
