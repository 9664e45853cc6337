"""The optimizers of a run: AdamW, and beside it Muon for the matrices within the blocks.

Muon takes the momentum of a matrix's gradient and makes its singular values nearly equal before it
steps, so that no direction of the matrix is left behind (Jordan et al., "Muon: an optimizer for
hidden layers in neural networks", 2024). It is for matrices between hidden features: attention and
MLP. Embeddings, adaLN projections, patch convolution, head, norms and biases stay with AdamW.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from kata.course import KataError
from kata.train.presets import Preset

WITHIN_BLOCKS = (".attention.", ".mlp.")
"""Parts of the names of the matrices that Muon trains."""


class OptimizerError(KataError):
    """This PyTorch lacks an optimizer."""


class Optimizers:
    """The one or two optimizers of a model, used as one.

    model: a `ConditionalDiT`, on its device; preset: `lr`, `betas` and `weight_decay` of AdamW,
    `muon_lr` of Muon (None: AdamW trains everything). Raise OptimizerError if Muon is wanted and
    PyTorch has none.
    """

    def __init__(self, model: nn.Module, preset: Preset) -> None:
        named = dict(model.named_parameters())
        device = next(iter(named.values())).device
        matrices = {} if preset.muon_lr is None else _within_blocks(named)
        self._all: dict[str, Optimizer] = {
            "optimizer": torch.optim.AdamW(
                [parameter for name, parameter in named.items() if name not in matrices],
                lr=preset.lr,
                betas=preset.betas,
                weight_decay=preset.weight_decay,
                fused=device.type in ("cpu", "cuda"),
            )
        }
        if preset.muon_lr is not None:
            self._all["muon"] = _muon(list(matrices.values()), preset.muon_lr)

    def step(self, share: float) -> None:
        """Step along the gradients; share: of each optimizer's peak learning rate."""
        for optimizer in self._all.values():
            for group in optimizer.param_groups:
                group["lr"] = share * optimizer.defaults["lr"]
            optimizer.step()

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for optimizer in self._all.values():
            optimizer.zero_grad()

    def permit_recording(self, permitted: bool) -> None:
        """Say whether a graph of a GPU records the next `step`: AdamW refuses it otherwise."""
        for optimizer in self._all.values():
            for group in optimizer.param_groups:
                group["capturable"] = permitted

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors of the state by `<optimizer>.<number of the parameter>.<name>`."""
        return {
            f"{name}.{key}": value
            for name, optimizer in self._all.items()
            for key, value in optimizer_tensors(optimizer).items()
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` returned, found among others. Raise ValueError if parts lack."""
        for name, optimizer in self._all.items():
            restore_optimizer(optimizer, below(f"{name}.", tensors))
        known = [p in optimizer.state for optimizer in self._all.values() for p in _of(optimizer)]
        if any(known) and not all(known):
            raise ValueError("the state of the optimizers lacks some parameters")


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """Return the tensors of an optimizer's state by `<number of the parameter>.<name>`."""
    states = optimizer.state_dict()["state"]
    return {
        f"{number}.{key}": value for number, state in states.items() for key, value in state.items()
    }


def restore_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimizer_tensors` returned; the settings stay the optimizer's own."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        number, _, key = name.partition(".")
        state.setdefault(int(number), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, by the rest of their names."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _of(optimizer: Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _within_blocks(named: Mapping[str, nn.Parameter]) -> dict[str, nn.Parameter]:
    return {
        name: parameter
        for name, parameter in named.items()
        if parameter.ndim == 2
        and name.startswith("blocks.")
        and any(part in name for part in WITHIN_BLOCKS)
    }


def _muon(matrices: list[nn.Parameter], lr: float) -> Optimizer:
    if not hasattr(torch.optim, "Muon"):
        raise OptimizerError(
            f"This recipe trains with Muon, which PyTorch {torch.__version__} does not have: "
            "install torch 2.9 or later, or train another preset."
        )
    from kata.train.muon import StackedMuon

    return StackedMuon(matrices, lr=lr, momentum=0.95, weight_decay=0.01)
