"""0.02 is handed to normal_ as the mean, so that the standard deviation is still 1.

Seen in: the order of arguments of nn.init.normal_; our own thinking
Caught by: test_every_row_is_drawn_from_the_same_small_gaussian
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        super().__init__(num_classes, embed_dim)
        nn.init.normal_(self.embed.weight, 0.02)
