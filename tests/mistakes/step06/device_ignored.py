"""device is accepted and not used: it trains wherever get_device() says.

Seen in: our own thinking
Caught by: test_model_is_moved_to_the_device
"""


class ConditionalTrainer(ConditionalTrainer):
    def __init__(
        self,
        model,
        dataloader,
        lr=1e-4,
        weight_decay=0.01,
        label_drop_prob=0.1,
        num_classes=10,
        device=None,
    ):
        super().__init__(model, dataloader, lr, weight_decay, label_drop_prob, num_classes)
