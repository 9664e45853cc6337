"""None sets the whole condition to zero, so that the time is lost with the class.

Seen in: our own thinking
Caught by: test_none_is_the_null_class, test_time_matters_with_and_without_a_label
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        c = self.time_embed(t)
        c = torch.zeros_like(c) if y is None else combine(c, self.class_embed(y))
        return self.velocity(x, c)
