"""label_drop_prob is stored and not handed on to the loss: it is 10%, whatever was asked for.

Seen in: our own thinking
Caught by: test_trainer_drops_labels, test_every_epoch_uses_every_batch_the_loader_yields
"""


class ConditionalTrainer(ConditionalTrainer):
    def _step(self, x0, y):
        x0, y = x0.to(self.device), y.to(self.device)
        loss = flow_matching_loss(self.model, x0, y, num_classes=self.num_classes)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()
