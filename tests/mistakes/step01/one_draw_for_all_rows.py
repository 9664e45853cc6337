"""One row is drawn and broadcast to all: every class starts as the same vector.

Seen in: the broadcasting rule itself; our own thinking
Caught by: test_every_table_and_every_row_is_a_draw_of_its_own
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        super().__init__(num_classes, embed_dim)
        self.embed.weight.data[:] = 0.02 * torch.randn(embed_dim)
