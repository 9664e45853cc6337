"""None skips the class term instead of taking the null row: a condition that was never trained.

Seen in: our own thinking; the obvious `if y is not None`
Caught by: test_none_is_the_null_class
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        c = self.time_embed(t)
        if y is not None:
            c = combine(c, self.class_embed(y))
        return self.velocity(x, c)
