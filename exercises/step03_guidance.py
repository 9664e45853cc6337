"""Step 3. Classifier-free guidance

The idea
    A conditional model knows two things: what any digit looks like at this point of the path, and
    what a 7 looks like. Guidance takes the difference between the two, which is what makes it a 7,
    and walks further in that direction than the model says.

The formula
    Bayes:       log p(x | y) = log p(y | x) + log p(x) - log p(y)
    gradients:   ∇ₓ log p(x | y) - ∇ₓ log p(x) = ∇ₓ log p(y | x)        (the implicit classifier)
    amplified:   ∇ₓ log p(x) + w · ∇ₓ log p(y | x) = s_u + w · (s_c - s_u)
    velocities:  v = v_u + w · (v_c - v_u) = (1 - w) · v_u + w · v_c

    Here s is a score, v a velocity, u stands for unconditional (the null class) and c for
    conditional (class y). No classifier is ever trained: the difference of the two scores is the
    gradient of one. Nobody has to train two models either: one network, with a null class, gives
    both.

    Why the formula for scores carries over to velocities: on the path x_t = (1 - t) x0 + t x1 the
    two are tied by v = -(x_t + t · s) / (1 - t). That map is affine, and the weights 1 - w and w
    add up to 1, so mixing the velocities is mixing the scores. For the same reason it is mixing the
    denoised images x_t - t · v. (Velocity and score do not point the same way: mind the minus
    sign.) Nor are the samples exactly those of p(x) · p(y | x)^w: each noise level is sharpened on
    its own.

Scales
    w = 0        unconditional: the label is ignored
    w = 1        conditional: no amplification
    2 to 3       light, and 3 is a good balance
    4 to 5       strong
    7 and more   over-saturated: one typical, overdone digit again and again

Shapes
    x, v_uncond, v_cond and the result    (B, C, H, W)
    t, y                                  (B,)
    scale                                 a number, a 0-dim tensor, or (B,): one scale a sample

What it costs
    Two evaluations of the model a sample. They are done best as one call on a batch of 2B: the
    images twice, the times twice, the null labels beside the real ones. Where the scale is the
    number 0 or 1 one of the two velocities is multiplied by zero, and B evaluations do.

What goes wrong in practice
    - v_c + w · (v_c - v_u): the scale counts from the wrong side, and w = 1 already amplifies. Two
      conventions are in use, and mixing them up is the commonest report of all (threestudio#127,
      stable-dreamfusion#32, denoising-diffusion-pytorch#155).
    - Guidance only "if w > 1": then 0.5 does nothing, and 0 is not unconditional (diffusers#9680).
    - Only the first three channels are guided, a leftover from models with a learned variance
      (facebookresearch/DiT#41).
    - The halves of the doubled batch come apart in the other order (Open-Sora#843): the samples
      flee from the label.
    - A scale of shape (B,) meets (B, C, H, W) without being reshaped: it runs along the width,
      silently where B = W.

Source: Ho & Salimans, "Classifier-free diffusion guidance", 2022.
"""

import torch
from torch import Tensor, nn


def guide(v_uncond: Tensor, v_cond: Tensor, scale: float | Tensor) -> Tensor:
    """Mix two velocities: v_uncond + scale * (v_cond - v_uncond).

    v_uncond, v_cond: `(B, C, H, W)`. scale: any finite number, a 0-dim tensor, or a tensor `(B,)`
    with one scale a sample. Returns `(B, C, H, W)` in the dtype of the velocities, whatever the
    dtype of the scale. All channels are guided alike, no value is clamped, and no input is changed.
    0 gives v_uncond and 1 gives v_cond, to rounding. Raises ValueError where the scale has any
    other shape, or the velocities differ in theirs.
    """
    raise NotImplementedError("step 3: guide")


def guided_velocity(
    model: nn.Module, x: Tensor, t: Tensor, y: Tensor, scale: float | Tensor, null_class: int
) -> Tensor:
    """The guided velocity of a model at x: what a sampler follows.

    model: called as model(x, t, y), or with y = None for the null class. x: `(B, C, H, W)`; t:
    `(B,)`; y: int64 `(B,)`; scale: as in `guide`; null_class: the label that stands for "any".
    Returns `(B, C, H, W)`. Evaluates 2B samples, in one call or two; only B where the scale is the
    number 0 (unconditional) or 1 (conditional). Changes neither its inputs, nor the mode of the
    model (train or eval), nor whether gradients are recorded.
    """
    raise NotImplementedError("step 3: guided_velocity")
