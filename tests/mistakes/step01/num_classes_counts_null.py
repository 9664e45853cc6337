"""num_classes is stored as K + 1: a null label built from it is one row too far.

Seen in: our own thinking
Caught by: test_null_class_is_the_index_of_the_last_row
"""


class ClassEmbedding(ClassEmbedding):
    def __init__(self, num_classes, embed_dim):
        super().__init__(num_classes, embed_dim)
        self.num_classes = num_classes + 1
