"""The greatest logit is looked for among the samples instead of among the classes.

Seen in: dim=0 for dim=1; our own thinking
Caught by: test_fidelity_is_the_share_read_as_asked
"""


def fidelity(samples, labels, classifier):
    with torch.no_grad():
        read_as = classifier(samples).argmax(dim=0)[: len(labels)]
    return (read_as == labels[: len(read_as)]).float().mean().item()
