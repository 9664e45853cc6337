"""The last condition is kept as an attribute, with its graph: the model can no longer be copied.

Seen in: our own thinking; attributes for debugging, and deepcopy for averaged weights
Caught by: test_a_copy_has_weights_of_its_own
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        self.condition = combine(self.time_embed(t), self.class_embed(y))
        return self.velocity(x, self.condition)
