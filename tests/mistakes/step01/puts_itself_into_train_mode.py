"""A look-up puts the table into train mode, whatever mode the model was in.

Seen in: our own thinking
Caught by: test_a_look_up_changes_nothing
"""


class ClassEmbedding(ClassEmbedding):
    def forward(self, y):
        self.embed.train()
        return super().forward(y)
