"""Step 9. Three sampling modes

The idea
    One network, trained once, can be asked in three ways. Side by side, from the same noise, they
    show what the label does and what guidance adds.

The three modes
    mode             label       scale      follows                         costs per step
    unconditional    null        w = 1      v(x, t, null)                   B evaluations
    conditional      y           w = 1      v(x, t, y)                      B evaluations
    guided           y           w = 4      v_u + 4 · (v_c - v_u)           2B evaluations

What to look for
    - Unconditional: all ten digits appear. The samples are as varied as the data, and often
      smudged: between two digits.
    - Conditional: nearly all are the class asked for, in many hands.
    - Guided: all are, clearer and more alike. Often one can see how a smudged sample of the first
      row is turned into a clear digit.

Shapes
    each entry of the dict    (N, C, H, W)
    noise                     (N, C, H, W), the same for the three: column i is one starting point

Where it leads
    A text-to-image model is asked in the same ways, with one change. The row of a table becomes the
    output of a text encoder, and the null class becomes the empty prompt. A "negative prompt" is a
    third text in place of the null. Nothing in step 3 changes.

What goes wrong in practice
    - Different noise for every mode: then nothing can be compared column by column.
    - "Unconditional" drawn with w = 0 from label y: the same picture here, but a different
      question. It costs twice in code that does not look at the scale.
    - The guided row at w = 1 by accident, because the scale is not passed on: rows two and three
      are equal.
    - The null label taken for K - 1 or 0: the first row then shows one digit only.
"""

import torch
from torch import Tensor, nn

from .step07_sampling import sample_conditional


def compare_modes(
    model: nn.Module,
    target_class: int = 3,
    num_samples: int = 16,
    cfg_scale: float = 4.0,
    image_shape: tuple[int, int, int] = (1, 28, 28),
    num_steps: int = 50,
    num_classes: int = 10,
    device: torch.device | str | None = None,
    generator: torch.Generator | None = None,
    noise: Tensor | None = None,
) -> dict[str, Tensor]:
    """Draw the same noise in three modes: "unconditional", "conditional" and "guided".

    target_class: the label of the second and third mode, 0 .. K
    cfg_scale: the scale of the third mode
    noise: `(N, C, H, W)`, shared by the three and not changed; if it is None, it is drawn once

    The first mode has the null class and, like the second, w = 1. So both cost N evaluations per
    step, and "guided" costs 2N. The other arguments, what is left unchanged, and the ValueError for
    num_steps below 1 are as in `sample_conditional`. Returns a dict with exactly these three names,
    each `(N, C, H, W)` in the dtype of the noise.
    """
    raise NotImplementedError("step 9: compare_modes")
