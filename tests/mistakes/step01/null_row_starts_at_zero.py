"""The null row starts as zeros, as if "any" meant nothing, instead of as a row like the others.

Seen in: our own thinking; the habit of padding rows
Caught by: test_every_row_is_drawn_from_the_same_small_gaussian
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        super().__init__(num_classes, embed_dim)
        nn.init.zeros_(self.embed.weight[num_classes])
