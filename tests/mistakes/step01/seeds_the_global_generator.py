"""A seed is set in the constructor: every table is the same, and so is all that is drawn after it.

Seen in: our own thinking; meant for reproducible runs
Caught by: test_every_table_and_every_row_is_a_draw_of_its_own
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        torch.manual_seed(0)
        super().__init__(num_classes, embed_dim)
