"""Time and class are multiplied instead of added.

Seen in: TeaPearce/Conditional_Diffusion_MNIST (on purpose)
Caught by: test_velocity_is_that_of_the_dit_under_time_plus_class
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        return self.velocity(x, self.time_embed(t) * self.class_embed(y))
