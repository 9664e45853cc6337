"""The rows of the first call in eval mode are kept: later changes of the table are not seen.

Seen in: our own thinking
Caught by: test_table_is_read_as_it_is_now
"""


class ClassEmbedding(ClassEmbedding):
    kept = None

    def forward(self, y):
        if self.training:
            return super().forward(y)
        if self.kept is None:
            self.kept = self.embed.weight.clone()
        super().forward(y)
        return self.kept[y]
