"""A look-up clears the table's gradient, so that gradients of several batches cannot be summed.

Seen in: our own thinking
Caught by: test_a_look_up_changes_nothing
"""


class ClassEmbedding(ClassEmbedding):
    def forward(self, y):
        self.embed.weight.grad = None
        return super().forward(y)
