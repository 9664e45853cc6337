"""A look-up turns gradients on for the whole program, also for a caller who had turned them off.

Seen in: our own thinking
Caught by: test_a_look_up_changes_nothing
"""


class ClassEmbedding(ClassEmbedding):
    def forward(self, y):
        torch.set_grad_enabled(True)
        return super().forward(y)
