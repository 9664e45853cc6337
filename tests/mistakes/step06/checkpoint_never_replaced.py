"""A file that is there already is kept: the second save writes nothing.

Seen in: our own thinking
Caught by: test_checkpoint_can_be_written_and_read_again
"""


class ConditionalTrainer(ConditionalTrainer):
    def save_checkpoint(self, path):
        if not Path(path).exists():
            super().save_checkpoint(path)
