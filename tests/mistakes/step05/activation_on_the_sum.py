"""A SiLU is put on c, although every adaLN has one of its own.

Seen in: our own thinking
Caught by: test_velocity_is_that_of_the_dit_under_time_plus_class
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        c = combine(self.time_embed(t), self.class_embed(y))
        return self.velocity(x, torch.nn.functional.silu(c))
