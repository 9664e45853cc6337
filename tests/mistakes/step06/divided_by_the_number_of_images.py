"""The sum of the batch losses is divided by the number of images: the loss looks many times too
good.

Seen in: our own thinking
Caught by: test_average_loss_is_the_plain_mean_of_the_batches
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        parameters = sum(p.numel() for p in self.model.parameters())
        print(f"{self.device}, {parameters:,} parameters, label dropout {self.label_drop_prob}")
        self.model.train()
        averages = []
        for _ in range(num_epochs):
            total, count = 0.0, 0
            for x0, y in self.dataloader:
                total += self._step(x0, y)
                count += len(x0)
            average = total / count
            averages.append(average)
            self.losses.append(average)
            print(f"Epoch {len(self.losses)}: avg_loss = {average:.4f}")
        return averages
