"""A copy of the model is trained: the caller's own model stays as it was.

Seen in: our own thinking
Caught by: test_the_model_handed_in_is_trained
"""


class ConditionalTrainer(ConditionalTrainer):
    def __init__(self, model, dataloader, *more, **options):
        import copy

        super().__init__(copy.deepcopy(model), dataloader, *more, **options)
