"""The time embedding is detached: its MLP never learns.

Seen in: our own thinking
Caught by: test_every_parameter_gets_a_gradient
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        return self.velocity(x, combine(self.time_embed(t).detach(), self.class_embed(y)))
