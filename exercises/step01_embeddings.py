"""Step 1. A row for every class, and one for any

The idea
    A network cannot multiply with the word "seven". It needs a vector that stands for 7. The
    simplest such vector is a learned one: a table has one row per class, and class y is looked up
    as row y. The rows of the ten digits are joined by one more row, the null class. It stands for
    "any digit, I do not mind which". It makes guidance possible in step 3: one and the same network
    can be asked for a 7, and for anything.

The formula
    E ∈ ℝ^((K+1) × D),    h_y = E[y],    y ∈ {0, …, K-1} or y = K, the null class

    K is the number of classes (10 for digits), D the width of the conditioning vector (1024 in the
    full model).

Shapes
    E          (K + 1, D)     11 × 1024 for digits: 11,264 numbers, about 0.1% of the model
    y          (B,)           int64
    h_y        (B, D)

Why a table
    - A row gets a gradient only when its class is in the batch, so each row becomes what its class
      needs.
    - One-hot vectors are all equally far apart. Rows of a table can move. Digits that are drawn
      alike can end up near each other, and directions between rows can come to mean something. Step
      10 looks at what the rows became.
    - Rows start as small random numbers, N(0, 0.02). They differ from each other, yet are small
      beside the time embedding, to which step 2 adds them. With PyTorch's default, N(0, 1), the
      class would drown the time at the start.

Why a row for "any"
    A row of zeros would also say "no class", but the network could never adapt it. The null row is
    learned like the others, from the images whose label is dropped in step 4. It is an ordinary row
    at index K, so the classes keep their numbers.

What goes wrong in practice
    - A table with K rows: the first dropped label raises an IndexError, or a device-side assert on
      a GPU (pytorch#29966, sail-sg/MDT#2).
    - Class 0 stands for "any" as well: digit 0 turns into a mixture of everything (asked about in
      CompVis/latent-diffusion#116 and #171).
    - -1 as the null label: `weight[-1]` silently means the last row, and nn.Embedding raises an
      error (pytorch#56577).
    - A hard-coded 10: it breaks as soon as somebody trains on another number of classes
      (diffusers#13616).
    - `padding_idx=K`: a padding row gets no gradient, so "any" is never learned.
"""

import torch
from torch import Tensor, nn


class ClassEmbedding(nn.Module):
    """A learned vector for every class, and one for the null class.

    num_classes: K, the number of real classes
    embed_dim: D, the width of the vectors

    `.embed` is an `nn.Embedding` with K + 1 rows of D independent numbers from N(0, 0.02) (mean 0,
    standard deviation 0.02). Its weight is the only parameter and the only entry of the
    `state_dict`. Every row of it is trained, with AdamW in step 6. `.num_classes` is K;
    `.null_class` is K, the index of the last row.
    """

    embed: nn.Embedding
    num_classes: int
    null_class: int

    def __init__(self, num_classes: int, embed_dim: int) -> None:
        """Make the table and set `.embed`, `.num_classes` and `.null_class`."""
        raise NotImplementedError("step 1: ClassEmbedding.__init__")

    def forward(self, y: Tensor) -> Tensor:
        """Return the rows of the labels.

        y: labels, int64 or int32 `(B,)`, 0 .. K; K is the null class

        Returns `(B, D)`: row i is exactly row y[i] of the table as it is now, in the table's dtype
        and on its device. The result is the same in train and eval mode. Gradients reach the rows
        that were looked up and no others. A look-up changes nothing. Raises IndexError, ValueError,
        TypeError or torch's own RuntimeError if labels are outside 0 .. K (-1 too), floats or
        booleans.
        """
        raise NotImplementedError("step 1: ClassEmbedding.forward")
