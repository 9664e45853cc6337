"""The classifier is put into eval mode and stays in it.

Seen in: our own thinking
Caught by: test_fidelity_leaves_the_classifier_as_it_was
"""


def fidelity(samples, labels, classifier):
    if tuple(labels.shape) != (len(samples),):
        raise ValueError(f"labels must have shape ({len(samples)},), got {tuple(labels.shape)}")
    if isinstance(classifier, nn.Module):
        classifier.eval()
    with torch.no_grad():
        read_as = classifier(samples).argmax(dim=1)
    return (read_as == labels).float().mean().item()
