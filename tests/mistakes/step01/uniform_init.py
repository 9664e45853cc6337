"""The rows are drawn evenly from [-0.02, 0.02], which is not a Gaussian of deviation 0.02.

Seen in: our own thinking
Caught by: test_every_row_is_drawn_from_the_same_small_gaussian
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        super().__init__(num_classes, embed_dim)
        nn.init.uniform_(self.embed.weight, -0.02, 0.02)
