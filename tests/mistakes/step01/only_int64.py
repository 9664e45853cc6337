"""Labels of int32 are refused, although they are integers as well.

Seen in: our own thinking
Caught by: test_labels_may_be_int32
"""


class ClassEmbedding(ClassEmbedding):
    def forward(self, y):
        if y.dtype != torch.int64:
            raise TypeError("labels must be int64")
        return super().forward(y)
