"""Gradients are collected over the epoch and the optimiser steps once at its end.

Seen in: our own thinking
Caught by: test_parameters_go_the_way_of_adamw
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        parameters = sum(p.numel() for p in self.model.parameters())
        print(f"{self.device}, {parameters:,} parameters, label dropout {self.label_drop_prob}")
        self.model.train()
        averages = []
        for _ in range(num_epochs):
            self.optimizer.zero_grad()
            batch_losses = []
            for x0, y in self.dataloader:
                x0, y = x0.to(self.device), y.to(self.device)
                loss = flow_matching_loss(self.model, x0, y, self.label_drop_prob, self.num_classes)
                loss.backward()
                batch_losses.append(loss.item())
            self.optimizer.step()
            average = sum(batch_losses) / len(batch_losses)
            averages.append(average)
            self.losses.append(average)
            print(f"Epoch {len(self.losses)}: avg_loss = {average:.4f}")
        return averages
