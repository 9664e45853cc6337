"""Without a device, the machine's best device is taken instead of the model's.

Seen in: the default of trainers, copied into a sampler; our own thinking
Caught by: test_device_is_that_of_the_model
"""

from kata.given import get_device


def _device_of(model, device):
    return torch.device(device) if device is not None else get_device()
