"""Labels of int32, as NumPy and data sets give them, are refused.

Seen in: our own thinking; a check of the dtype by ==
Caught by: test_labels_may_be_int32
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is not None and y.dtype != torch.int64:
            raise TypeError(f"labels must be int64, got {y.dtype}")
        return super().forward(x, t, y)
