"""A class that holds the shared starting point, and one that counts batches of samples."""


class _Start:
    def __init__(self, shape, generator, noise):
        if noise is None:
            where = generator.device if generator is not None else "cpu"
            noise = torch.zeros(shape, device=where).normal_(generator=generator)
        self.noise = noise

    def walk(self, model, digit, scale, **options):
        labels = torch.tensor([digit] * len(self.noise))
        shape = tuple(self.noise.shape[1:])
        return sample_conditional(
            model, labels, shape, cfg_scale=scale, noise=self.noise, **options
        )


def compare_cfg_scales(
    model,
    target_digit=7,
    scales=(1, 2, 3, 4, 5, 7),
    num_samples=6,
    image_shape=(1, 28, 28),
    num_steps=50,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
):
    start = _Start((num_samples, *image_shape), generator, noise)
    options = {"num_steps": num_steps, "num_classes": num_classes, "device": device}
    walks = (start.walk(model, target_digit, scale, **options) for scale in scales)
    return torch.cat([walk[None] for walk in walks])


class _Count:
    def __init__(self):
        self.right = self.total = 0

    def add(self, logits, labels):
        self.right += int((logits.argmax(-1) == labels).sum())
        self.total += len(labels)


def fidelity(samples, labels, classifier):
    if labels.shape != samples.shape[:1]:
        raise ValueError("one label per sample")
    count = _Count()
    for x, y in zip(samples.split(100), labels.split(100), strict=True):
        with torch.no_grad():
            count.add(classifier(x), y)
    return count.right / count.total


def diversity(samples):
    if len(samples) <= 1:
        raise ValueError("two samples or more")
    deviation, _ = torch.std_mean(samples.double(), dim=0, correction=0)
    return deviation.mean()
