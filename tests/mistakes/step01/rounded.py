"""The rows are rounded to six decimals: what the optimiser moves by less is never seen.

Seen in: our own thinking
Caught by: test_each_label_gets_its_row
"""


class ClassEmbedding(ClassEmbedding):
    def forward(self, y):
        rows = super().forward(y)
        return rows + (rows.round(decimals=6) - rows).detach()
