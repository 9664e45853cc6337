"""Adam instead of AdamW: the weight decay goes through the moments and is no longer a decay.

Seen in: our own thinking
Caught by: test_optimizer_is_adamw_over_all_parameters, test_parameters_go_the_way_of_adamw
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
        super().__init__(model, dataloader, lr, weight_decay, label_drop_prob, num_classes, device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr, weight_decay=weight_decay)
