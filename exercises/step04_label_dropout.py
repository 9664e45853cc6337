"""Step 4. Label dropout

The idea
    Guidance needs two models, one that knows the label and one that does not. Instead of training
    two, train one and hide the label now and then. Before each training step, every sample's label
    is replaced by the null class with probability p. From the images that kept their label the
    network learns v(x, t, y); from the others, through the null row, it learns v(x, t).

The formula
    ỹ_i = K (null)   with probability p,
    ỹ_i = y_i        with probability 1 - p,        independently for every sample i

Shapes
    y, ỹ      (B,)     integers, on the same device

Why 10%
    - 1%: the unconditional half sees a hundredth of the images. Its guess is poor, and guidance
      multiplies its error by w.
    - 50%: half of the training goes into ignoring the label, and the conditional model gets weaker.
    - 10% is a good balance in practice. Ho & Salimans tried 10, 20 and 50%: the first two did
      equally well, 50% worse.

Why a learned null row and not zeros
    "Any digit" is information too: the average condition. A row that is trained can express it in
    the same space as the others.

Why no switch for evaluation
    This function always drops. Whoever trains calls it; whoever samples does not. If a dropout
    lives in the model and depends on its mode, one forgotten `eval()` is enough: labels change
    while sampling.

What goes wrong in practice
    - The mask is inverted: 90% of the labels vanish and 10% survive. The loss curve looks normal,
      and samples look fine but are not the digit asked for. A well-known course on this very
      subject had this mistake for weeks.
    - The labels are overwritten in place, `y[mask] = K`. If the data set hands out views of one
      tensor, the dropped labels never come back. After some epochs all of them are null.
    - One coin for the whole batch instead of one per sample: 10% on average, but all at once
      (runwayml/stable-diffusion#8 has the question).
    - randn instead of rand: `randn < 0.1` is true 54% of the time.
    - Dropped once in the loader and once more in the model: 19% instead of 10%.

Source: Ho & Salimans, "Classifier-free diffusion guidance", 2022, algorithm 1.
"""

import torch
from torch import Tensor


def drop_labels(
    y: Tensor, drop_prob: float, null_class: int, generator: torch.Generator | None = None
) -> Tensor:
    """Return the labels, each replaced by the null class with probability `drop_prob`.

    y: labels, integers `(B,)`
    drop_prob: in [0, 1]; 0 drops nothing and 1 drops all
    null_class: the label to put in
    generator: the source of randomness, used on its own device; None is torch's global one, which
        is never reseeded

    Each label is dropped independently of all others. The same seed gives the same result, and two
    calls in a row draw anew. Returns new labels of the same shape, dtype and device; labels that
    are already null stay null. y itself is not changed. It is active whenever it is called. Raises
    ValueError if the probability is outside [0, 1].
    """
    raise NotImplementedError("step 4: drop_labels")
