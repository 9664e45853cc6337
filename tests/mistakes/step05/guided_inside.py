"""The model guides itself: its "conditional" velocity is amplified already.

Seen in: our own thinking; forward_with_cfg of facebookresearch/DiT as forward
Caught by: test_velocity_is_that_of_the_dit_under_time_plus_class
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        h = self.time_embed(t)
        null = torch.full_like(y, self.null_class)
        v = self.velocity(x, combine(h, self.class_embed(y)))
        v_uncond = self.velocity(x, combine(h, self.class_embed(null)))
        return v_uncond + 4.0 * (v - v_uncond)
