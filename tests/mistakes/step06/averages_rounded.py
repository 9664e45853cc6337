"""Averages are rounded to four decimals, not only where they are printed.

Seen in: our own thinking
Caught by: test_many_epochs_are_averaged_exactly
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        parameters = sum(p.numel() for p in self.model.parameters())
        print(f"{self.device}, {parameters:,} parameters, label dropout {self.label_drop_prob}")
        self.model.train()
        start = len(self.losses)
        for _ in range(num_epochs):
            batch_losses = [self._step(x0, y) for x0, y in self.dataloader]
            self.losses.append(round(sum(batch_losses) / len(batch_losses), 4))
            print(f"Epoch {len(self.losses)}: avg_loss = {self.losses[-1]:.4f}")
        return self.losses[start:]
