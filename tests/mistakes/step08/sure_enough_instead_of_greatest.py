"""A sample counts as read if its logit is above 0, as if each class had a classifier of its own.

Seen in: our own thinking
Caught by: test_fidelity_is_the_share_read_as_asked
"""


def fidelity(samples, labels, classifier):
    with torch.no_grad():
        logits = classifier(samples)
    return (logits[torch.arange(len(labels)), labels] > 0).float().mean().item()
