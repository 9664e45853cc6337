"""The table has K rows, none for the null class: the first dropped label is out of range.

Seen in: pytorch#29966, sail-sg/MDT#2
Caught by: test_table_has_a_row_a_class_and_one_for_any
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        nn.Module.__init__(self)
        self.num_classes = num_classes
        self.null_class = num_classes
        self.embed = nn.Embedding(num_classes, embed_dim)
        nn.init.normal_(self.embed.weight, std=0.02)
