"""Training stops after four epochs without improvement, though n epochs were asked for.

Seen in: our own thinking
Caught by: test_many_epochs_are_averaged_exactly
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        parameters = sum(p.numel() for p in self.model.parameters())
        print(f"{self.device}, {parameters:,} parameters, label dropout {self.label_drop_prob}")
        self.model.train()
        averages = []
        while len(averages) < num_epochs:
            batch_losses = [self._step(x0, y) for x0, y in self.dataloader]
            averages.append(sum(batch_losses) / len(batch_losses))
            self.losses.append(averages[-1])
            print(f"Epoch {len(self.losses)}: avg_loss = {averages[-1]:.4f}")
            if len(averages) > 4 and min(averages[-4:]) > min(averages[:-4]):
                break
        return averages
