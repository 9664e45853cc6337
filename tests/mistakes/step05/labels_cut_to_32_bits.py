"""Labels are cut to 32 bits, so a label far out of range wraps around and is accepted.

Seen in: our own thinking; .int() on labels of int64
Caught by: test_labels_that_do_not_exist_are_refused
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        whole = y is not None and y.dtype == torch.int64
        return super().forward(x, t, y.int() if whole else y)
