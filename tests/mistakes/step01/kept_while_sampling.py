"""While no gradients are recorded, the rows of labels seen before are kept and never renewed.

Seen in: our own thinking
Caught by: test_table_is_read_as_it_is_now
"""


class ClassEmbedding(ClassEmbedding):
    def forward(self, y):
        if torch.is_grad_enabled():
            return super().forward(y)
        kept, key = self.__dict__.setdefault("kept", {}), tuple(y.tolist())
        if key not in kept:
            kept[key] = super().forward(y)
        return kept[key]
