"""In eval mode the rows are detached: the mode decides about dropout, not about gradients.

Seen in: our own thinking
Caught by: test_gradients_reach_the_rows_that_were_looked_up
"""


class ClassEmbedding(ClassEmbedding):
    def forward(self, y):
        rows = super().forward(y)
        return rows if self.training else rows.detach()
