"""Printed epochs begin with 1 in every call of train: the log shows epoch 1 twice.

Seen in: our own thinking
Caught by: test_printed_epochs_go_on_over_all_calls
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        parameters = sum(p.numel() for p in self.model.parameters())
        print(f"{self.device}, {parameters:,} parameters, label dropout {self.label_drop_prob}")
        self.model.train()
        averages = []
        for epoch in range(num_epochs):
            batch_losses = [self._step(x0, y) for x0, y in self.dataloader]
            averages.append(sum(batch_losses) / len(batch_losses))
            self.losses.append(averages[-1])
            print(f"Epoch {epoch + 1}: avg_loss = {averages[-1]:.4f}")
        return averages
