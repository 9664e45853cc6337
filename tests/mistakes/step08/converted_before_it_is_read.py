"""The samples are converted to float32 before the classifier gets them.

Seen in: our own thinking
Caught by: test_fidelity_keeps_the_dtype_of_the_samples
"""


def fidelity(samples, labels, classifier):
    if tuple(labels.shape) != (len(samples),):
        raise ValueError(f"labels must have shape ({len(samples)},), got {tuple(labels.shape)}")
    with torch.no_grad():
        read_as = classifier(samples.float()).argmax(dim=1)
    return (read_as == labels).float().mean().item()
