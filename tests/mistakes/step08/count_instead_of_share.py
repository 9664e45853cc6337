"""The number of samples read as asked is returned, not their share.

Seen in: our own thinking
Caught by: test_fidelity_is_the_share_read_as_asked
"""


def fidelity(samples, labels, classifier):
    with torch.no_grad():
        read_as = classifier(samples).argmax(dim=1)
    return (read_as == labels).sum().item()
