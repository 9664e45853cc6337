"""The table is looked up under no_grad: its rows stay noise.

Seen in: our own thinking
Caught by: test_every_parameter_gets_a_gradient
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        with torch.no_grad():
            rows = self.class_embed(y)
        return self.velocity(x, combine(self.time_embed(t), rows))
