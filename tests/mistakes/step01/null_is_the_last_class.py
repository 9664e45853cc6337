"""The null class is K - 1: the last digit doubles as "any".

Seen in: off-by-one readings of "K classes, counted from 0"; our own thinking
Caught by: test_null_class_is_the_index_of_the_last_row
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        super().__init__(num_classes, embed_dim)
        self.null_class = num_classes - 1
