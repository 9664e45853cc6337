"""The cost of a training step, beside the machine's matrix products and a plain implementation."""

from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from kata.given import Attention, DiT, DiTBlock
from kata.lab.bench.timing import MATRIX_SIZES, Task, in_turn, peak, products, runs
from kata.train.checkpoints import count_parameters
from kata.train.data import to_range
from kata.train.loop import Loss

STEP, PLAIN = "step", "plain"
RESIDENT = 1024
"""Random images in memory; what they show does not change the time."""


@dataclass(frozen=True)
class StepCost:
    """The cost of a training step.

    step, plain: seconds of every step; flop: of one step, counted in the model's own operations;
    peak: of the matrix products, in FLOP/s.
    """

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
        """The share of the peak that the median step reaches, in [0, 1]."""
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
    """Measure forward, backward and AdamW on one batch, as `kata train` does them and plainly.

    make: step 5's `ConditionalDiT`; loss: step 6's `flow_matching_loss`; precision: `fp32`, or
    `bf16` by autocast; sizes: of the products, None for those of the device; on_run: called
    `runs_of_step(...)` times. The plain step has attention that returns its weights, decodes every
    image of a batch from bytes, and uses AdamW with its defaults. On a GPU the other model is
    compiled. Images have one channel.
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
        count_parameters(model),
        step,
        plain_step,
        flop_of_step(model, loss, resident[:batch_size], labels[:batch_size]),
        peak(seconds),
    )


def runs_of_step(device: torch.device, repeats: int) -> int:
    """Return how often `cost_of_step` calls `on_run`."""
    return runs(len(_sizes(None, device)) + 2, repeats)


def flop_of_step(model: nn.Module, loss: Loss, x0: Tensor, labels: Tensor) -> int:
    """Return the FLOP of forward and backward: products only, without what a kernel recomputes."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        loss(model, x0, labels).backward()
    model.zero_grad()
    return int(counter.get_total_flops())


class WeightedAttention(nn.Module):
    """Torch's own layer with the parameters of the given attention; it returns its weights."""

    def __init__(self, given: Attention) -> None:
        super().__init__()
        dim = given.out.in_features
        self.layer = nn.MultiheadAttention(dim, given.num_heads, batch_first=True)
        self.layer.load_state_dict(
            {
                "in_proj_weight": given.qkv.weight,
                "in_proj_bias": given.qkv.bias,
                "out_proj.weight": given.out.weight,
                "out_proj.bias": given.out.bias,
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        mixed, _ = self.layer(x, x, x, need_weights=True)
        return mixed


def with_attention_weights(model: DiT) -> DiT:
    """Return a copy of the model in which every attention returns its weights."""
    plain = deepcopy(model)
    for block in plain.blocks:
        assert isinstance(block, DiTBlock)
        block.attention = WeightedAttention(block.attention)  # type: ignore[assignment]
    return plain.to(plain.positions.device)


def decoder(images: np.ndarray) -> Callable[[Tensor], Tensor]:
    """Return a function from indices `(B,)` to images `(B, 1, H, W)` in [-1, 1].

    It decodes every image anew, as torchvision's MNIST does. images: uint8 `(N, H, W)`. Raise
    DataError if torchvision does not import.
    """
    decode = to_range()
    return lambda chosen: torch.stack([decode(Image.fromarray(images[i])) for i in chosen])


def _sizes(sizes: tuple[int, ...] | None, device: torch.device) -> tuple[int, ...]:
    return sizes or MATRIX_SIZES.get(device.type, MATRIX_SIZES["cpu"])


def _dtype(precision: str) -> torch.dtype:
    return {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]


def _precise(precision: str, device: torch.device) -> "torch.autocast | nullcontext[None]":
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
