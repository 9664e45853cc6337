"""The null class is K + 1, in a table of K + 2 rows: row K belongs to nobody.

Seen in: our own thinking; counting from 1
Caught by: test_table_has_a_row_a_class_and_one_for_any,
test_null_class_is_the_index_of_the_last_row
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        nn.Module.__init__(self)
        self.num_classes = num_classes
        self.null_class = num_classes + 1
        self.embed = nn.Embedding(num_classes + 2, embed_dim)
        nn.init.normal_(self.embed.weight, std=0.02)
