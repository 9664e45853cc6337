"""The shares of batches are averaged, though the last batch is smaller.

Seen in: our own thinking
Caught by: test_fidelity_of_300_samples
"""


def fidelity(samples, labels, classifier):
    if tuple(labels.shape) != (len(samples),):
        raise ValueError(f"labels must have shape ({len(samples)},), got {tuple(labels.shape)}")
    with torch.no_grad():
        shares = [
            (classifier(x).argmax(dim=1) == y).float().mean()
            for x, y in zip(samples.split(128), labels.split(128), strict=True)
        ]
    return torch.stack(shares).mean().item()
