"""Loading takes the moments alone: learning rate and weight decay are not those that were saved.

Seen in: our own thinking
Caught by: test_checkpoint_brings_the_learning_rate_back
"""


class ConditionalTrainer(ConditionalTrainer):
    def load_checkpoint(self, path):
        own = [
            {k: v for k, v in group.items() if k != "params"}
            for group in self.optimizer.param_groups
        ]
        super().load_checkpoint(path)
        for group, options in zip(self.optimizer.param_groups, own, strict=True):
            group.update(options)
