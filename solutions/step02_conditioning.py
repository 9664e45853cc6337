"""Step 2. Time plus class, and what it scales

The idea
    The network has to know two more things: how noisy the image is (the time t), and what is wanted
    (the class y). Both are vectors of the same width D by now, and they are simply added. The sum c
    then steers every block of the network through adaptive layer norm (adaLN). It decides how much
    each feature is scaled and shifted.

The formulas
    c = h_t + h_y
    adaLN(x, c) = γ(c) · LayerNorm(x) + β(c),    γ(c) = 1 + scale(c),    β(c) = shift(c)

    scale and shift are linear in c (one layer, in the given blocks behind a SiLU). The "1 +" makes
    "do nothing" the zero vector: a projection that starts at zero starts as a plain layer norm.

Shapes
    h_t, h_y, c       (B, D)          D = 1024
    x                 (B, N, F)       N tokens of F features (49 and 256 in the full model)
    scale, shift      (B, F)          one per sample, the same for all of its tokens

Why a sum
    - Superposition: in 1024 dimensions two vectors can share a space without hiding each other. The
      layer that reads c is linear, so W(h_t + h_y) = W h_t + W h_y. It can learn to listen to time
      in some directions and to class in others.
    - It costs no parameters and changes no shape: a network that was made for h_t takes c as it is.
      Concatenating would double the input of every projection.
    - It is symmetric and harmless: the class adds the same vector at every time. A product would
      let a small h_y silence the time.

Why scale and shift
    Every feature of every token is scaled and shifted, in every block, so the condition cannot be
    overlooked. A condition that is only added to the first tokens can fade on its way through the
    network.

What goes wrong in practice
    - The class is computed and then not used: the loss falls all the same, and the samples are
      random digits (consistency-mnist#3, DALLE2-pytorch#235).
    - An extra axis: (B, 1, D) + (B, D) is (B, B, D). It broadcasts silently and mixes the samples.
      With B = 1, as in so many quick trials, nobody sees it (dreamzero#25).
    - A (B, F) scale meets (B, N, F) tokens without a new axis. This raises an error, or goes wrong
      silently if B = N or B = 1.
    - `x * scale + shift`, without the 1: with projections that start at zero, every block starts by
      erasing its input.

Source: Peebles & Xie, "Scalable Diffusion Models with Transformers", 2023, section 3.2; Perez et
al., "FiLM", 2018.
"""

from torch import Tensor


def combine(time_embedding: Tensor, class_embedding: Tensor) -> Tensor:
    """Return the conditioning vector c: the sum of the two embeddings.

    time_embedding, class_embedding: `(B, D)`

    Returns `(B, D)` in their dtype and on their device: sample i comes from the i-th rows alone,
    and nothing is rescaled. NaN and infinity stay visible. Gradients flow to both. Changes no
    input. Raises ValueError if the two shapes are not equal; nothing is broadcast.
    """
    if time_embedding.shape != class_embedding.shape:
        raise ValueError(
            f"both embeddings must have one shape, got {tuple(time_embedding.shape)} "
            f"and {tuple(class_embedding.shape)}"
        )
    return time_embedding + class_embedding


def modulate(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Return the tokens scaled and shifted as in adaptive layer norm: x * (1 + scale) + shift.

    x: tokens `(B, N, F)`, already normalised
    scale, shift: `(B, F)`

    Returns `(B, N, F)` in their dtype and on their device. Every token of sample i is scaled by
    1 + scale[i] and then shifted by shift[i], also if B = 1 or B = N. NaN and infinity stay
    visible. Gradients flow to all three. Changes no input. Raises ValueError if x does not have
    three axes, or if scale or shift is not `(B, F)`; nothing is broadcast but the tokens.
    """
    if x.ndim != 3 or not scale.shape == shift.shape == (x.shape[0], x.shape[2]):
        raise ValueError(
            f"x must be (B, N, F) with scale and shift (B, F), got {tuple(x.shape)} with "
            f"{tuple(scale.shape)} and {tuple(shift.shape)}"
        )
    return x * (1 + scale[:, None]) + shift[:, None]
