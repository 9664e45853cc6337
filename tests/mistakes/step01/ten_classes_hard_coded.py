"""The table has 11 rows whatever num_classes says.

Seen in: diffusers#13616
Caught by: test_table_has_a_row_a_class_and_one_for_any,
test_null_class_is_the_index_of_the_last_row
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        nn.Module.__init__(self)
        self.num_classes = 10
        self.null_class = 10
        self.embed = nn.Embedding(11, embed_dim)
        nn.init.normal_(self.embed.weight, std=0.02)
