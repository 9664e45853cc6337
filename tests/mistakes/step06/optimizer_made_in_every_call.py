"""train() makes a new optimiser: its moments are lost whenever training goes on.

Seen in: our own thinking
Caught by: test_parameters_go_the_way_of_adamw
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        parameters = sum(p.numel() for p in self.model.parameters())
        print(f"{self.device}, {parameters:,} parameters, label dropout {self.label_drop_prob}")
        group = self.optimizer.param_groups[0]
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=group["lr"], weight_decay=group["weight_decay"]
        )
        self.model.train()
        averages = []
        for _ in range(num_epochs):
            batch_losses = [self._step(x0, y) for x0, y in self.dataloader]
            average = sum(batch_losses) / len(batch_losses)
            averages.append(average)
            self.losses.append(average)
            print(f"Epoch {len(self.losses)}: avg_loss = {average:.4f}")
        return averages
