"""The average is divided by len(dataloader): a loader that can only be iterated has no length.

Seen in: our own thinking
Caught by: test_every_epoch_uses_every_batch_the_loader_yields
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        parameters = sum(p.numel() for p in self.model.parameters())
        print(f"{self.device}, {parameters:,} parameters, label dropout {self.label_drop_prob}")
        self.model.train()
        averages = []
        for _ in range(num_epochs):
            batch_losses = [self._step(x0, y) for x0, y in self.dataloader]
            average = sum(batch_losses) / len(self.dataloader)
            averages.append(average)
            self.losses.append(average)
            print(f"Epoch {len(self.losses)}: avg_loss = {average:.4f}")
        return averages
