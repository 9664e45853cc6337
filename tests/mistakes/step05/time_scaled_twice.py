"""t is multiplied by 1000 before time_embed, which does so itself.

Seen in: Just-a-DiT PR#9, SiT#24 (on who scales)
Caught by: test_velocity_is_that_of_the_dit_under_time_plus_class
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        return self.velocity(x, combine(self.time_embed(1000 * t), self.class_embed(y)))
