"""The table is a bare nn.Parameter and not an nn.Embedding: negative labels pass, and weights have
another name.

Seen in: our own thinking
Caught by: test_table_has_a_row_a_class_and_one_for_any, test_table_is_all_there_is
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        nn.Module.__init__(self)
        self.num_classes = num_classes
        self.null_class = num_classes
        self.embed = nn.Parameter(0.02 * torch.randn(num_classes + 1, embed_dim))

    def forward(self, y):
        return self.embed[y]
