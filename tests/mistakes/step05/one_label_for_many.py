"""Labels of shape (1,) or () are expanded to the batch instead of being refused.

Seen in: our own thinking; samplers that hand over one label
Caught by: test_labels_of_another_shape_are_refused
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is not None and y.numel() == 1:
            y = y.reshape(1).expand(len(x))
        return super().forward(x, t, y)
