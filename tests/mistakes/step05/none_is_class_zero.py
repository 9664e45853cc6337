"""None is looked up as class 0: "any digit" is a zero.

Seen in: CompVis/latent-diffusion#116 and #171 (questions about its index)
Caught by: test_none_is_the_null_class
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.zeros(x.shape[0], dtype=torch.int64, device=x.device)
        return self.velocity(x, combine(self.time_embed(t), self.class_embed(y)))
