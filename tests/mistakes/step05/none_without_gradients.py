"""None is evaluated under no_grad, "because only samplers leave the label out": nothing is trained.

Seen in: our own thinking; a loop that trains "any digit" by leaving y out
Caught by: test_gradients_are_those_of_the_dit
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        missing = y is None
        if missing:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not missing):
            return self.velocity(x, combine(self.time_embed(t), self.class_embed(y)))
