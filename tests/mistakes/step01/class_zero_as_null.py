"""The null label is looked up as class 0: digit 0 turns into a mixture of everything.

Seen in: CompVis/latent-diffusion#116 and #171 (questions about its index)
Caught by: test_every_label_from_zero_to_null_has_a_row_of_its_own, test_each_label_gets_its_row
"""


class ClassEmbedding(ClassEmbedding):
    def forward(self, y):
        if y.is_floating_point():
            raise TypeError("labels must be integers")
        return self.embed(torch.where(y == self.null_class, 0, y))
