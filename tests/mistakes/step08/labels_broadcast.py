"""The shape of the labels is not checked: (N, 1) compares all samples with all labels.

Seen in: our own thinking
Caught by: test_fidelity_needs_one_label_per_sample
"""


def fidelity(samples, labels, classifier):
    with torch.no_grad():
        read_as = classifier(samples).argmax(dim=1)
    return (read_as == labels).float().mean().item()
