"""The time is reversed, 1 - t, as if t = 0 were noise.

Seen in: LightningDiT#89, rectified-flow-pytorch PR#18
Caught by: test_velocity_is_that_of_the_dit_under_time_plus_class
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        return self.velocity(x, combine(self.time_embed(1 - t), self.class_embed(y)))
