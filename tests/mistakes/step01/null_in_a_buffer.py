"""null_class is a registered buffer: it is saved along, and checkpoints no longer fit.

Seen in: our own thinking
Caught by: test_table_is_all_there_is
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        super().__init__(num_classes, embed_dim)
        del self.null_class
        self.register_buffer("null_class", torch.tensor(num_classes))
