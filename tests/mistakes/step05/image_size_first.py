"""img_size comes before num_classes: ConditionalDiT(10) is a model for 10 x 10 images.

Seen in: our own thinking
Caught by: test_arguments_come_in_the_order_of_the_lesson
Crashes: TypeError: too many positional arguments
"""


class ConditionalDiT(ConditionalDiT):
    def __init__(self, img_size=28, patch_size=4, in_channels=1, num_classes=10, **sizes):
        super().__init__(num_classes, img_size, patch_size, in_channels, **sizes)
