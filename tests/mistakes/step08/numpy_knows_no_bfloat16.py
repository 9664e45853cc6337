"""Samples of bfloat16 cannot be measured: they reach NumPy unconverted.

Seen in: our own thinking
Caught by: test_diversity_takes_any_floating_dtype
Crashes: TypeError: Got unsupported ScalarType BFloat16
"""

import numpy as np


def diversity(samples):
    if len(samples) < 2:
        raise ValueError(f"diversity needs at least 2 samples, got {len(samples)}")
    return float(np.std(samples.detach().cpu().numpy(), axis=0).mean())
