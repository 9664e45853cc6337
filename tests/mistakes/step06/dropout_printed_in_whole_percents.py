"""The dropout probability is printed in whole percents: 0.005 becomes 0%.

Seen in: our own thinking
Caught by: test_label_dropout_is_printed_as_it_is
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        parameters = sum(p.numel() for p in self.model.parameters())
        print(f"{self.device}, {parameters:,} parameters, dropout {self.label_drop_prob:.0%}")
        self.model.train()
        start = len(self.losses)
        for _ in range(num_epochs):
            batch_losses = [self._step(x0, y) for x0, y in self.dataloader]
            self.losses.append(sum(batch_losses) / len(batch_losses))
            print(f"Epoch {len(self.losses)}: avg_loss = {self.losses[-1]:.4f}")
        return self.losses[start:]
