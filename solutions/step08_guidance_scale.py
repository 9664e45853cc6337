"""Step 8. Fidelity against diversity

The idea
    The guidance scale is a dial with a price. If it is turned up, more of the samples are clearly
    the digit that was asked for (fidelity). At the same time they look more and more alike
    (diversity falls). To see only that, every scale starts from the same noise: column i of the
    picture is one starting point, seen at six scales.

The formulas
    fidelity  = share of the samples that a classifier reads as what was asked for
              = 1/N · #{ i : argmax_k logits(x_i)_k = y_i }                       in [0, 1]
    diversity = mean over pixels p of  √( 1/N · Σ_i (x_i[p] - mean_p)² )           in pixel units

    Diversity is measured within one class: across classes it would mostly measure that a 1 is not
    an 8. The standard deviation divides by N (torch: correction=0).

What to expect
    scale        effect
    1            none: the conditional model as it was trained
    2 to 3       light: outliers move towards their class
    4 to 5       strong: nearly everything is read as asked, strokes thicken
    7 and more   over-saturated: pixels leave [-1, 1], and all samples are one typical digit

    Low scales stay close to the learned distribution; high scales sharpen it, at the price of
    diversity.

Shapes
    compare_cfg_scales    (S, N, C, H, W)      S scales, N samples of one digit
    samples               (N, C, H, W)
    labels                (N,)
    classifier(samples)   (N, K)               logits, any real numbers

What goes wrong in practice
    - Fresh noise for every scale: two things change at once, and the picture shows neither.
    - A metric that looks at only one of the two. High fidelity alone is easy: draw the same 7 every
      time.
    - The mean of the classifier's confidence instead of the share read as asked: a different figure
      with the same name.
    - Diversity over all classes together: it hardly falls with the scale.
    - Samples clamped before they are measured, which hides the over-saturation.

Source: Ho & Salimans 2022, section 4 (the trade-off); Dhariwal & Nichol 2021, section 4 (fidelity
and diversity under guidance).
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from .step07_sampling import sample_conditional


def compare_cfg_scales(
    model: nn.Module,
    target_digit: int = 7,
    scales: Sequence[float] = (1, 2, 3, 4, 5, 7),
    num_samples: int = 6,
    image_shape: tuple[int, int, int] = (1, 28, 28),
    num_steps: int = 50,
    num_classes: int = 10,
    device: torch.device | str | None = None,
    generator: torch.Generator | None = None,
    noise: Tensor | None = None,
) -> Tensor:
    """Draw one digit at several guidance scales, all from the same noise.

    target_digit: 0 .. K
    scales: S of them, in the order of the result
    noise: `(N, C, H, W)`, shared by all scales and not changed; if it is None, it is drawn once

    Returns `(S, N, C, H, W)`, in the dtype of the noise: entry [s, i] starts from noise i and is
    guided with scales[s]. Costs at most two evaluations per sample, scale and step. The other
    arguments, what is left unchanged, and the ValueError for num_steps below 1 are as in
    `sample_conditional`.
    """
    if noise is None:
        source = generator.device if generator is not None else None
        noise = torch.randn((num_samples, *image_shape), generator=generator, device=source)
    labels = [target_digit] * num_samples
    return torch.stack(
        [
            sample_conditional(
                model, labels, image_shape, num_steps, scale, num_classes, device, noise=noise
            )
            for scale in scales
        ]
    )


def fidelity(samples: Tensor, labels: Tensor, classifier: Callable[[Tensor], Tensor]) -> float:
    """Return the share of samples that a classifier reads as what was asked for.

    samples: `(N, C, H, W)`
    labels: int64 `(N,)`; any other shape is a ValueError, because (N, 1) would compare all with all
    classifier: called on the samples as they are, gives logits `(N, K)`

    Returns a number in [0, 1]. Changes no input, and not the classifier's mode.
    """
    if tuple(labels.shape) != (len(samples),):
        raise ValueError(f"labels must have shape ({len(samples)},), got {tuple(labels.shape)}")
    with torch.no_grad():
        read_as = classifier(samples).argmax(dim=1)
    return (read_as == labels.to(read_as.device)).float().mean().item()


def diversity(samples: Tensor) -> float:
    """Return how much the samples of one class differ.

    samples: `(N, C, H, W)` of one class, of any floating dtype, neither clamped nor changed

    The diversity is the mean over pixels of the standard deviation over the samples. The standard
    deviation divides by N (correction=0). Returns a number, 0 if all samples are equal. Raises
    ValueError for fewer than 2 samples.
    """
    if len(samples) < 2:
        raise ValueError(f"diversity needs at least 2 samples, got {len(samples)}")
    return samples.std(dim=0, correction=0).mean().item()
