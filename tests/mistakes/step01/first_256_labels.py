"""A fixed block of 256 labels is looked up; the rest of a larger batch gets the last row of it.

Seen in: our own thinking
Caught by: test_each_label_gets_its_row
"""


class ClassEmbedding(ClassEmbedding):
    def forward(self, y):
        return super().forward(y)[torch.arange(len(y)).clamp(max=255)]
