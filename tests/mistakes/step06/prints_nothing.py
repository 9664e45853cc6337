"""Nothing is printed while it trains: for hours nobody knows whether it learns.

Seen in: our own thinking
Caught by: test_what_is_printed
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        self.model.train()
        for _ in range(num_epochs):
            batch_losses = [self._step(x0, y) for x0, y in self.dataloader]
            self.losses.append(sum(batch_losses) / len(batch_losses))
        return self.losses[len(self.losses) - num_epochs :]
