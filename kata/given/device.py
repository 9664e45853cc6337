"""Where to compute."""

import torch


def get_device() -> torch.device:
    """Return the best device of this machine: a CUDA GPU, else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")
