"""E[y] is computed and never reaches the blocks: the label has no effect.

Seen in: consistency-mnist#3, DALLE2-pytorch#235
Caught by: test_velocity_is_that_of_the_dit_under_time_plus_class,
test_every_label_gives_another_velocity,
    test_every_parameter_gets_a_gradient
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        self.class_embed(y)
        return self.velocity(x, self.time_embed(t))
