"""Batches of one image are left out, as one does for batch norm: images are lost.

Seen in: our own thinking
Caught by: test_batches_of_one_count_like_others
"""


class ConditionalTrainer(ConditionalTrainer):
    def train(self, num_epochs):
        whole = self.dataloader

        class Larger:
            def __iter__(self):
                return (pair for pair in whole if len(pair[0]) > 1)

        self.dataloader = Larger()
        try:
            return super().train(num_epochs)
        finally:
            self.dataloader = whole
