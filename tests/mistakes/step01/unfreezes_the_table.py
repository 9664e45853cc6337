"""A look-up makes a frozen table trainable again.

Seen in: our own thinking
Caught by: test_a_look_up_changes_nothing
"""


class ClassEmbedding(ClassEmbedding):
    def forward(self, y):
        self.embed.weight.requires_grad_(True)
        return super().forward(y)
