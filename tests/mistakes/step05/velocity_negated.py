"""The sign of the velocity is reversed: it points from noise to data.

Seen in: friendly-stable-audio#9, Open-Sora#628
Caught by: test_velocity_is_that_of_the_dit_under_time_plus_class
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        return -self.velocity(x, combine(self.time_embed(t), self.class_embed(y)))
