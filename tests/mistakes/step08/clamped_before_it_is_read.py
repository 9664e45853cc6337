"""Samples are clamped to [-1, 1] before they are classified, which hides the over-saturation.

Seen in: our own thinking
Caught by: test_fidelity_shows_the_samples_as_they_are
"""


def fidelity(samples, labels, classifier):
    with torch.no_grad():
        read_as = classifier(samples.clamp(-1, 1)).argmax(dim=1)
    return (read_as == labels).float().mean().item()
