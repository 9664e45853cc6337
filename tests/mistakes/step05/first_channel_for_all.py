"""A gray image given to a model of colour images is repeated over the channels, and not refused.

Seen in: our own thinking; digits in a model for photographs
Caught by: test_images_of_another_shape_are_refused
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if x.ndim == 4 and x.shape[1] == 1:
            x = x.expand(-1, self.image_shape[0], -1, -1)
        return super().forward(x, t, y)
