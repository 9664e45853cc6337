"""The null class is -1 instead of K, which plain indexing reads as the last row.

Seen in: pytorch#56577
Caught by: test_null_class_is_the_index_of_the_last_row, test_labels_out_of_range_are_refused
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        super().__init__(num_classes, embed_dim)
        self.null_class = -1

    def forward(self, y):
        return self.embed.weight[y]
