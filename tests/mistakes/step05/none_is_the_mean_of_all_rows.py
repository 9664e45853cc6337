"""None takes the mean of the table's rows instead of the null row.

Seen in: our own thinking: "any" read as an average
Caught by: test_none_is_the_null_class
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        rows = (
            self.class_embed.embed.weight.mean(0).expand(x.shape[0], -1)
            if y is None
            else self.class_embed(y)
        )
        return self.velocity(x, combine(self.time_embed(t), rows))
