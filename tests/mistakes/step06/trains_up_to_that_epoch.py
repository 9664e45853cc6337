"""train(3) after train(2) trains one epoch: the number is read as the total, not as further epochs.

Seen in: our own thinking
Caught by: test_train_goes_on_where_it_stopped
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        parameters = sum(p.numel() for p in self.model.parameters())
        print(f"{self.device}, {parameters:,} parameters, label dropout {self.label_drop_prob}")
        self.model.train()
        num_epochs = num_epochs - len(self.losses)
        averages = []
        for _ in range(num_epochs):
            batch_losses = [self._step(x0, y) for x0, y in self.dataloader]
            average = sum(batch_losses) / len(batch_losses)
            averages.append(average)
            self.losses.append(average)
            print(f"Epoch {len(self.losses)}: avg_loss = {average:.4f}")
        return averages
