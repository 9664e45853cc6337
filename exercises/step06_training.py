"""Step 6. Training by flow matching

The idea
    Draw a straight line from an image x0 to a noise x1. A point on it at time t is a noisy image,
    and the direction of the line is the velocity x1 - x0. The network is shown the point, the time
    and the label, and has to predict this velocity. Over many images, noises and times it learns
    the average direction at every point. This is a flow, and followed backwards it carries noise to
    images. Training is nothing but a regression with mean squared error.

The formulas
    x1 ~ N(0, I),    t ~ U(0, 1),    x_t = (1 - t) · x0 + t · x1,    v = x1 - x0
    unconditional:   L = E ‖v_θ(x_t, t) - (x1 - x0)‖²
    conditional:     L = E ‖v_θ(x_t, t, ỹ) - (x1 - x0)‖²
                     ỹ = y with probability 0.9, null with 0.1

    t = 0 is data, t = 1 is noise. The norm is taken as a mean over pixels, so the loss does not
    depend on the size of the image.

The algorithm
    for every epoch, for every batch (x0, y) of the loader:
        draw noise x1 and a time t for every sample          (not one for the batch)
        x_t, v   = interpolate(x0, x1, t)
        ỹ        = drop_labels(y, 0.1, K)                     (step 4)
        loss     = mean (model(x_t, t, ỹ) - v)²
        zero the gradients, loss.backward(), optimizer.step()

Shapes
    x0, x1, x_t, v      (B, C, H, W)     pixels of x0 in [-1, 1]
    t, y, ỹ             (B,)

What to expect
    With images in [-1, 1], a model that predicts 0 has a loss of 1.926 on MNIST: a new DiT starts
    there. The best affine guess reaches 0.380, and 0.281 with the label. The lesson's model has
    12.4 M parameters and was trained for 30 epochs, with batches of 128 and AdamW (lr 1e-4, weight
    decay 0.01). It reported 0.8388 after the first epoch, 0.3375 after the second, and 0.1774 after
    the thirtieth. The loss never comes near 0: many lines cross at one point, and the network can
    only know their mean. If it falls below about 0.06, look for a leak.

What goes wrong in practice
    - The target x0 - x1: everything trains, and sampling walks away from the images
      (friendly-stable-audio#9, Open-Sora#628).
    - Time runs the other way, noise at t = 0, in one place and not in the other (LightningDiT#89,
      rectified-flow#14).
    - One t for the whole batch: unbiased, but a much noisier gradient.
    - The labels never reach the model: the loss is hardly worse, the samples are random digits
      (consistency-mnist#3).
    - optimizer.zero_grad() is forgotten, or stands between backward() and step().
    - The mean loss of an epoch is divided by the wrong number, or is the loss of the last batch:
      curves cannot be compared.
    - A checkpoint without the optimiser: after resuming, AdamW starts with empty moments and the
      loss jumps.

Source: Lipman et al., "Flow matching for generative modeling", 2023; Liu et al., "Flow straight and
fast", 2023.
"""

from collections.abc import Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kata.given import get_device

from .step04_label_dropout import drop_labels


def interpolate(x0: Tensor, x1: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Return a point on the straight line from data to noise, and the line's direction.

    x0, x1: `(B, C, H, W)`
    t: `(B,)`, one time per sample, also if B equals the width of the image

    Returns x_t = (1 - t) x0 + t x1 and v = x1 - x0, both `(B, C, H, W)` and of the dtype of x0.
    Changes no input. Raises ValueError if the shapes do not fit.
    """
    raise NotImplementedError("step 6: interpolate")


def flow_matching_loss(
    model: nn.Module,
    x0: Tensor,
    y: Tensor,
    label_drop_prob: float = 0.1,
    num_classes: int = 10,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return the flow-matching loss of a batch.

    model: called once, as model(x_t, t, ỹ), on the whole batch, in whatever mode it is
    x0: images `(B, C, H, W)` in [-1, 1]; x_t is of their dtype, x_t and t are on their device
    y: labels, int64 `(B,)`
    label_drop_prob: in [0, 1]
    num_classes: K, which is also the null class
    generator: the source of all draws; None is torch's global one, which is never reseeded

    The loss is the mean over all samples and pixels of (model(x_t, t, ỹ) - (x1 - x0))². No sample,
    time or pixel weighs more than another. Every sample draws its own noise x1 ~ N(0, I), time
    t ~ U(0, 1) and coin. The same seed gives the same loss. Returns a scalar tensor with its graph,
    unless autograd is off. Changes neither x0 nor y.
    """
    raise NotImplementedError("step 6: flow_matching_loss")


class ConditionalTrainer:
    """Trains a conditional model by flow matching.

    model: called as model(x, t, y)
    dataloader: anything that can be iterated again and again and yields batches (x0, y)
    lr, weight_decay: of AdamW; its other settings are PyTorch's defaults
    label_drop_prob, num_classes: as in `flow_matching_loss`
    device: where to train, by default `get_device()`; the model and each batch are moved there

    `.model` is the model itself. `.optimizer` is an AdamW over all parameters, made by `__init__`;
    its learning rate may be changed between calls of `train`. `.losses` holds the average loss of
    every epoch so far. All draws come from torch's global generator, which is never reseeded.
    """

    model: nn.Module
    optimizer: torch.optim.AdamW
    losses: list[float]

    def __init__(
        self,
        model: nn.Module,
        dataloader: Iterable[tuple[Tensor, Tensor]],
        lr: float = 1e-4,
        weight_decay: float = 0.01,
        label_drop_prob: float = 0.1,
        num_classes: int = 10,
        device: torch.device | str | None = None,
    ) -> None:
        """Move the model to its device and make the optimiser."""
        raise NotImplementedError("step 6: ConditionalTrainer.__init__")

    def train(self, num_epochs: int) -> list[float]:
        """Train for some more epochs, in train mode.

        num_epochs: 0 or more; all of them are trained, even if the loss rises

        Every batch of the loader is one step of the optimiser. Gradients from before do not count,
        and frozen parameters stay as they are. Returns the average loss of each of these epochs as
        floats: the plain mean of its batch losses, even if the last batch is smaller. May be called
        again and goes on; `.losses` holds all epochs. Prints the device, the number of parameters
        and the dropout probability. Then it prints `Epoch n: avg_loss = ...`
        after every epoch, with at least four decimals; n counts from 1 over all calls.
        """
        raise NotImplementedError("step 6: ConditionalTrainer.train")

    def _step(self, x0: Tensor, y: Tensor) -> float:
        """Take one step of the optimiser on one batch; return its loss."""
        raise NotImplementedError("step 6: ConditionalTrainer._step")

    def save_checkpoint(self, path: str | Path) -> None:
        """Write the model's weights, the optimiser's state and the losses to one file.

        path: where to

        `torch.load(path, weights_only=True)` must be able to read the file: plain tensors, numbers,
        lists and dicts, no pickled objects.
        """
        raise NotImplementedError("step 6: ConditionalTrainer.save_checkpoint")

    def load_checkpoint(self, path: str | Path) -> None:
        """Bring back the model, the optimiser and the losses from a file of `save_checkpoint`.

        With the same random state, training goes on exactly as if there had been no interruption.
        """
        raise NotImplementedError("step 6: ConditionalTrainer.load_checkpoint")
