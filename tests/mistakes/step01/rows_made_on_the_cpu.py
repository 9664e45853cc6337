"""The result is made without a device, so that it stays on the CPU when the model is on a GPU.

Seen in: our own thinking
Caught by: test_rows_are_on_the_device_of_the_table
"""


class ClassEmbedding(ClassEmbedding):
    def forward(self, y):
        rows = super().forward(y)
        result = torch.zeros(rows.shape, dtype=rows.dtype)
        return result + rows
