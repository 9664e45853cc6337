"""A training step that a GPU repeats by itself, so that Python starts none of its kernels.

A step of the lesson's model is a thousand kernels of some microseconds; started one by one from
Python they would take longer than they run. So the step is recorded once, as a CUDA graph, and
replayed. The recorded step reads its batch, its learning rate and its random draws from tensors and
from a generator that stay in place: what changes from step to step is written there before.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from kata.train import gpu

WARM_UP = 3
"""Steps before the recording: libraries, the optimizers' states and memory are set up in them."""


class CapturedStep:
    """Calls make steps of the training: the first few one kernel at a time, the others as a graph.

    gradients: from indices of a batch `(B,)`, int64, and a generator to the loss, a 0-dim tensor;
    leaves the gradients in the parameters. update: steps along them; its argument, a 0-dim tensor,
    is the share of the peak learning rate. permit: called with whether `update` will be recorded.
    device: of all of them.

    A step whose code reads values, or is otherwise not for a graph, goes on one kernel at a time:
    `why_not` then says why, in one sentence, and is empty otherwise.
    """

    def __init__(
        self,
        gradients: Callable[[Tensor, torch.Generator], Tensor],
        update: Callable[[Tensor], None],
        permit: Callable[[bool], None],
        batch_size: int,
        device: torch.device,
    ) -> None:
        self.why_not = ""
        self._gradients, self._update, self._permit = gradients, update, permit
        self._device = device
        self._chosen = torch.zeros(batch_size, dtype=torch.int64, device=device)
        self._share = torch.zeros((), device=device)
        self._generator = torch.Generator(device)
        self._calls = 0
        self._again: Callable[[], Tensor] | None = None

    def __call__(self, chosen: Tensor, share: float, seed: int) -> Tensor:
        """Make one step; return its loss.

        chosen: indices `(B,)`, on the device; share: of the peak learning rate; seed: of the draws.
        """
        self._chosen.copy_(chosen)
        self._share.fill_(share)
        if self._calls == WARM_UP:
            self._record(seed)
        self._calls += 1
        self._generator.manual_seed(seed)
        if self._again is not None:
            return self._again().clone()
        if self.why_not:
            return self._work()
        with gpu.beside(self._device):
            return self._work()

    def _work(self) -> Tensor:
        loss = self._gradients(self._chosen, self._generator)
        self._update(self._share)
        return loss

    def _record(self, seed: int) -> None:
        """Record the step, if it can be.

        Whether it reads values is tried outside of a recording, which such code would spoil.
        """
        try:
            self._generator.manual_seed(seed)
            with gpu.no_waiting():
                self._gradients(self._chosen, self._generator)
            self._permit(True)
            self._again = gpu.recorded(self._work, self._generator, self._device)
        except Exception as error:  # it comes again without the graph, if it is more than this
            why = " ".join(str(error).split()).partition(". Run ")[0].rstrip(".")[:200]
            self.why_not = (
                f"The step is not repeated as one graph ({why}): "
                "it goes on one kernel at a time, which is slower and gives the same."
            )
            self._permit(False)
            self._generator = torch.Generator(self._device)


def sent(values: Tensor, device: torch.device) -> Tensor:
    """Return a tensor of the CPU on a device; Python does not wait for a GPU to take it."""
    if device.type == "cuda":
        values = gpu.pinned(values)
    return values.to(device, non_blocking=True)


@torch.no_grad()
def share_of_update(
    parameters: Sequence[nn.Parameter], update: Callable[[], None], share: Tensor
) -> None:
    """Make an update of parameters, but go only a share of its way: a 0-dim tensor in [0, 1].

    An update by AdamW or Muon is proportional to the learning rate, so made at the peak rate and
    shared like this it is the update at that share of the rate, to rounding. A graph needs it:
    Muon takes its rate as a number only.
    """
    before = [parameter.detach().clone() for parameter in parameters]
    update()
    for parameter, old in zip(parameters, before, strict=True):
        parameter.copy_(torch.lerp(old, parameter, share))
