"""Each epoch takes one batch from the loader, with next(iter(...)).

Seen in: a trick for trying out, left in; our own thinking
Caught by: test_every_epoch_uses_every_batch_the_loader_yields,
    test_average_loss_is_the_plain_mean_of_the_batches
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        parameters = sum(p.numel() for p in self.model.parameters())
        print(f"{self.device}, {parameters:,} parameters, label dropout {self.label_drop_prob}")
        self.model.train()
        averages = []
        for _ in range(num_epochs):
            x0, y = next(iter(self.dataloader))
            average = self._step(x0, y)
            averages.append(average)
            self.losses.append(average)
            print(f"Epoch {len(self.losses)}: avg_loss = {average:.4f}")
        return averages
