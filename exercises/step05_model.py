"""Step 5. The conditional DiT

The idea
    All parts are there. The given `DiT` turns a noisy image and a time into a velocity. Step 1
    turns a label into a vector, and step 2 adds it to the time. A conditional DiT is the
    unconditional one with a single change: its blocks are steered by h_t + h_y instead of h_t.

The formulas
    unconditional:   v(x_t, t)      blocks steered by c = h_t
    conditional:     v(x_t, t, y)   blocks steered by c = h_t + E[y]

What the given DiT offers (kata/given/dit.py)
    DiT(img_size, patch_size, in_channels, embed_dim, depth, num_heads, mlp_ratio)
    .cond_dim            D = 4 * embed_dim, the width of the conditioning vector
    .time_embed(t)       h_t, (B, D)
    .velocity(x, c)      the whole stack under a conditioning vector c, (B, D); every block sees c

Shapes
    x and the result      (B, C, H, W)       cut into 4 × 4 patches: 49 tokens for 28 × 28 pixels
    t, y                  (B,)
    h_t, h_y, c           (B, D)             D = 1024 with the defaults

What is new, and what it costs
    Only the class table: 11 × 1024 = 11,264 parameters beside 12,351,760, about 0.1%. Everything
    else keeps its name, so weights of the unconditional model fit as they are.

Why y may be None
    A sampler that wants "any digit" should not have to know the number of the null class. None
    means null for every sample, and it goes through the same null row. Skipping the class term
    would be a third kind of condition, which was never trained.

What goes wrong in practice
    - y=None skips the class embedding, although training used the null row: guidance then compares
      with a model that nobody trained.
    - One label, say y[0], steers the whole batch: perfect with batches of one class, wrong with
      mixed ones.
    - The table is looked up under no_grad, or detached, and stays noise.
    - The class count is hard-coded in some inner part (diffusers#13616).
    - Labels are dropped in here as well as in the training loop: 19% instead of 10%.

Testing a network that starts at zero
    The head of a new DiT is zero. So its output is 0 for every label, and nothing below the head
    gets a gradient. A test that only looks at a fresh model can prove nothing. The tests of this
    step first redraw whatever is zero.

Source: Peebles & Xie, "Scalable Diffusion Models with Transformers", 2023.
"""

import torch
from torch import Tensor

from kata.given import DiT

from .step01_embeddings import ClassEmbedding
from .step02_conditioning import combine


class ConditionalDiT(DiT):
    """A DiT whose blocks are steered by time and class: v(x_t, t, y).

    num_classes: K; the other arguments are those of `DiT`

    It has 12,363,024 parameters by default. `.class_embed` is a `ClassEmbedding` of K classes and
    width `cond_dim`. It is the only addition to the DiT's parameters: the `state_dict` is that of
    `DiT` plus `class_embed.embed.weight`. Nothing is initialised anew: the table starts as small
    random numbers, and what is zero in a new `DiT` is zero here. `.num_classes` is K; `.null_class`
    is K.
    """

    def __init__(
        self,
        num_classes: int = 10,
        img_size: int = 28,
        patch_size: int = 4,
        in_channels: int = 1,
        embed_dim: int = 256,
        depth: int = 6,
        num_heads: int = 8,
        mlp_ratio: float = 4.0,
    ) -> None:
        """Build the DiT with these sizes and add the class table."""
        raise NotImplementedError("step 5: ConditionalDiT.__init__")

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        """Return the velocity at x, of the same shape.

        x: `(B, C, H, W)`
        t: `(B,)` in [0, 1]
        y: int64 or int32 `(B,)`, 0 .. K, or None, which is null for every sample, to the last bit

        The result is the velocity of the given `DiT` under c = h_t + E[y], with the weights as they
        are now. It is the same in train and eval mode: nothing is random, nothing is dropped here.
        Each sample's velocity depends on its own image, time and label alone. Gradients flow to x,
        to all parameters, and to those rows of the table that were looked up. Changes nothing.
        Raises IndexError, ValueError or TypeError if x has another shape, or if labels are out of
        range, not integers or not of shape `(B,)`.
        """
        raise NotImplementedError("step 5: ConditionalDiT.forward")
