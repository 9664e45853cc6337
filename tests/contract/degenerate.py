"""Answers that do not do what their step is about, as changes to its solution: none of them earns
more than a tenth of the step's points.
"""

EMBEDDING = {
    "zeros": "return torch.zeros(len(y), self.embed.weight.shape[1])",
    "right table, constant forward": "return self.embed.weight[:1].expand(len(y), -1)",
    "label ignored": "return self.embed(torch.full_like(y, self.null_class))",
    "label drawn anew": "return self.embed(torch.randint_like(y, self.num_classes))",
    "noise": "return torch.randn(len(y), self.embed.weight.shape[1])",
    "noise like the table's": "return 0.02 * torch.randn(len(y), self.embed.weight.shape[1])",
    "labels returned": "return y[:, None].expand(-1, self.embed.weight.shape[1]).float()",
    "table returned": "return self.embed.weight",
    "mean of the table": "return self.embed.weight.mean(0).expand(len(y), -1)",
    "rows in the table's order": "return self.embed.weight.repeat(300, 1)[: len(y)]",
    "no forward": "return None",
}

CONDITIONING = {
    "zeros": ("t * 0", "x * 0"),
    "ones": ("torch.ones_like(t)", "torch.ones_like(x)"),
    "noise": ("torch.randn_like(t)", "torch.randn_like(x)"),
    "first input returned": ("t", "x"),
    "last input returned": ("c", "shift[:, None].expand_as(x)"),
    "product": ("t * c", "x * scale[:, None]"),
    "mean": ("(t + c) / 2", "(x + scale[:, None] + shift[:, None]) / 3"),
    "inputs added up": ("(t + c).sum().expand_as(t)", "(x.sum() + shift.sum()).expand_as(x)"),
}

GUIDANCE = {
    "zeros": ("u * 0", "x * 0"),
    "ones": ("torch.ones_like(u)", "torch.ones_like(x)"),
    "noise": ("torch.randn_like(u)", "torch.randn_like(x)"),
    "unconditional returned": ("u", "model(x, t, torch.full_like(y, null))"),
    "conditional returned": ("c", "model(x, t, y)"),
    "images returned": ("c - u", "x"),
    "scale ignored": (
        "(u + c) / 2",
        "model(torch.cat([x, x]), torch.cat([t, t]), "
        "torch.cat([torch.full_like(y, null), y])).view(2, *x.shape).mean(0)",
    ),
    "model's table read out": ("u + c", "model.table[2][y].expand_as(x)"),
}

DROPOUT = {
    "labels returned": "y",
    "labels copied": "y.clone()",
    "all dropped": "torch.full_like(y, null)",
    "zeros": "y * 0",
    "every kept label drawn anew": (
        "torch.where(torch.rand(y.shape, generator=g) < p, null, "
        "torch.randint(max(null, 1), y.shape, generator=g)).to(y.dtype)"
    ),
    "every kept label mixed": (
        "torch.where(torch.rand(y.shape, generator=g) < p, null, "
        "y[torch.randperm(len(y), generator=g)]).to(y.dtype)"
    ),
    "noise": "torch.randint(null + 1, y.shape, generator=g).to(y.dtype)",
    "kept labels are zero": "torch.where(torch.rand(y.shape, generator=g) < p, null, 0).to(y.dtype)",
    "one coin for all": "y.clone() if torch.rand((), generator=g) >= p else y * 0 + null",
    "kept or dropped by halves": "torch.cat([y[: len(y) // 2], y[len(y) // 2 :] * 0 + null])",
}

MODEL = {
    "zeros": "return torch.zeros_like(x)",
    "ones": "return torch.ones_like(x)",
    "image returned": "return x",
    "noise": "return torch.randn_like(x)",
    "label ignored": "return self.velocity(x, self.time_embed(t))",
    "always the null class": "return self.velocity(x, combine(self.time_embed(t), "
    "self.class_embed(torch.full((len(x),), self.null_class))))",
    "label drawn anew": "return self.velocity(x, combine(self.time_embed(t), "
    "self.class_embed(torch.randint(self.num_classes + 1, (len(x),)))))",
    "always class 0": "return self.velocity(x, combine(self.time_embed(t), "
    "self.class_embed(torch.zeros(len(x), dtype=torch.int64))))",
    "label alone, no image": "return self.class_embed(y if y is not None else t.long()).mean(1)"
    ".view(-1, 1, 1, 1).expand_as(x)",
    "no forward": "return None",
}

LOSS = (
    "def flow_matching_loss(model, x0, y, label_drop_prob=0.1, num_classes=10, generator=None):\n"
)
ANY_TRAINER = """
class ConditionalTrainer:
    def __init__(self, model, dataloader, lr=1e-4, weight_decay=0.01, label_drop_prob=0.1,
                 num_classes=10, device=None):
        self.device = torch.device(device or "cpu")
        self.model, self.dataloader, self.losses = model.to(self.device), dataloader, []
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    def train(self, num_epochs):
        TRAIN
    def save_checkpoint(self, path): torch.save({}, path)
    def load_checkpoint(self, path): pass
"""


def trainer(body: str) -> str:
    """A trainer with the right constructor that trains so."""
    return ANY_TRAINER.replace("TRAIN", body)


ZERO_LOSSES = trainer("self.losses += [0.0] * num_epochs; return [0.0] * num_epochs")
LINE = "def interpolate(x0, x1, t):\n    return "
ASKED = "    out = model(x0, torch.rand(len(x0), generator=generator), y)\n    return "
AT_THE_NOISE = "    x1 = torch.randn(x0.shape, generator=generator)\n    t = torch.ones(len(x0))\n"
TRAINING = {
    "zeros": LINE + "x0 * 0, x0 * 0\n" + LOSS + "    return torch.zeros(())\n" + ZERO_LOSSES,
    "ends returned": LINE + "x0, x1\n" + LOSS + ASKED + "(out - x0).square().mean()\n" + ZERO_LOSSES,
    "noise": LINE + "torch.randn_like(x0), torch.randn_like(x0)\n"
    + LOSS + "    return torch.rand((), requires_grad=True)\n" + ZERO_LOSSES,
    "right constructor alone": LINE + "x0, x0\n" + LOSS + "    return x0.mean() * 0\n" + trainer("return self.losses"),
    "no noise": LINE + "x0, 0 * x0\n" + LOSS + ASKED + "out.square().mean()\n" + ZERO_LOSSES,
    "loss of the output alone": LINE + "x1, x0\n" + LOSS + AT_THE_NOISE
    + "    return model(x1, t, y).square().mean()\n" + ZERO_LOSSES,
    "always at the noise": LINE + "x1, x1 - x0\n" + LOSS + AT_THE_NOISE
    + "    return F.mse_loss(model(x1, t, y), x1)\n" + ZERO_LOSSES,
    "model asked once, nothing made of it": LINE + "x1, x0\n" + LOSS + ASKED + "0 * out.mean()\n"
    + trainer("for x0, y in self.dataloader: flow_matching_loss(self.model, x0, y)\n"
              "        self.losses += [1.0] * num_epochs; return self.losses[-num_epochs:]"),
}  # fmt: skip

ARGUMENTS = "num_steps=50, cfg_scale=4.0, num_classes=10, device=None, generator=None, noise=None"
SAMPLERS = f"""
def start(count, shape, generator, noise):
    return torch.randn((count, *shape), generator=generator) if noise is None else noise
def walk(model, y, shape, num_steps, w, null, generator, noise):
    x = start(len(y), shape, generator, noise).detach()
    with torch.no_grad():
        WALK
def once(model, x, y):
    return model(x, torch.ones(len(x)), *y)
def sample(model, num_samples, image_shape, num_steps=50, num_classes=10, device=None,
           generator=None, noise=None):
    null = torch.full((num_samples,), num_classes)
    return walk(model, null, image_shape, num_steps, 1.0, num_classes, generator, noise)
def sample_conditional(model, class_labels, image_shape, {ARGUMENTS}):
    y = torch.as_tensor(class_labels).long().view(-1)
    return walk(model, y, image_shape, num_steps, cfg_scale, num_classes, generator, noise)
def sample_each_class(model, num_per_class=1, image_shape=(1, 28, 28), {ARGUMENTS}):
    y = torch.arange(num_classes).repeat_interleave(num_per_class)
    return walk(model, y, image_shape, num_steps, cfg_scale, num_classes, generator, noise)
"""
READ_OUT = (
    "table = getattr(model, 'mu', getattr(model, 'mean', None))\n"
    "        return x * 0 if table is None else table[null] + w * (table[y] - table[null])"
)
SAMPLING = {
    "noise returned": "return x",
    "zeros": "return x * 0",
    "ones": "return torch.ones_like(x)",
    "other noise": "return torch.randn_like(x)",
    "model asked once, its answer returned": "return once(model, x, [y])",
    "model asked once, without guidance": "return x - once(model, x, [y])",
    "model asked once, of no class": "return x - once(model, x, [])",
    "model asked once, noise returned": "once(model, x, [y]); return x",
    "one short step": "return x - once(model, x, [y]) / num_steps",
    "one whole guided step": "u, c = once(model, x, [y * 0 + null]), once(model, x, [y]); return x - u - w * (c - u)",
    "parameters read out": READ_OUT,
    "one parameter read out": "return x - x + next(model.parameters()).flatten()[0]",
}  # fmt: skip

GRID = f"""
def fidelity(samples, labels, classifier): return FIDELITY
def diversity(samples): return DIVERSITY
def start(count, shape, generator, noise):
    return torch.randn((count, *shape), generator=generator) if noise is None else noise
def once(model, x, y):
    return model(x, torch.ones(len(x)), y)
def compare_cfg_scales(model, target_digit=7, scales=(1, 2, 3, 4, 5, 7), num_samples=6,
        image_shape=(1, 28, 28), {ARGUMENTS.replace("cfg_scale=4.0, ", "")}):
    x = start(num_samples, image_shape, generator, noise).detach()
    y, null = torch.full((num_samples,), target_digit), num_classes
    with torch.no_grad():
        return torch.stack([grid(model, x, y, null, w, num_steps) for w in scales])
def grid(model, x, y, null, w, num_steps):
    GRID
"""
WHOLE_STEP = "u, c = once(model, x, y * 0 + null), once(model, x, y); return x - u - w * (c - u)"
LABELLED_WALK = """
    for i in range(num_steps):
        x = x - model(x, torch.full((len(x),), 1 - i / num_steps), y) / num_steps
    return x"""


def grid(one: str, fidelity: str = "0.0", diversity: str = "0.0") -> str:
    """The three functions of step 8: each image of the grid is made so."""
    text = GRID.replace("FIDELITY", fidelity).replace("DIVERSITY", diversity)
    return text.replace("    GRID", f"    {one}")


READ_OUT_HERE = (
    "table = getattr(model, 'mu', getattr(model, 'mean', None))\n"
    "    return x * 0 if table is None else (table[null] + w * (table[y] - table[null])).detach()"
)
GRIDS = {
    "noise returned": grid("return x", "1.0", "1.0"),
    "zeros": grid("return x * 0"),
    "ones": grid("return torch.ones_like(x)", "1.0", "1.0"),
    "other noise": grid("return torch.randn_like(x)", "torch.rand(()).item()", "torch.rand(()).item()"),
    "scale ignored": grid(LABELLED_WALK, "0.5", "samples.mean().item()"),
    "model asked once, without guidance": grid("return x - once(model, x, y)", "1.0", "samples.std().item()"),
    "model asked once, noise returned": grid("once(model, x, y); return x"),
    "one whole guided step": grid(WHOLE_STEP, "0.5", "samples.var(0).mean().item()"),
    "parameters read out": grid(READ_OUT_HERE, "labels.float().mean().item()", "samples.abs().mean().item()"),
}  # fmt: skip

MODES = f"""
def start(count, shape, generator, noise):
    return torch.randn((count, *shape), generator=generator) if noise is None else noise
def once(model, x, y):
    return model(x, torch.ones(len(x)), y)
def compare_modes(model, target_class=3, num_samples=16, cfg_scale=4.0, image_shape=(1, 28, 28),
        {ARGUMENTS.replace("cfg_scale=4.0, ", "")}):
    x = start(num_samples, image_shape, generator, noise).detach()
    y, null = torch.full((num_samples,), target_class), num_classes
    with torch.no_grad():
        return {{
            "unconditional": one(model, x, y * 0 + null, null, 1.0, num_steps),
            "conditional": one(model, x, y, null, 1.0, num_steps),
            "guided": one(model, x, y, null, cfg_scale, num_steps),
        }}
def one(model, x, y, null, w, num_steps):
    ONE
"""
MODES_OF = {
    "noise returned": "return x",
    "zeros": "return x * 0",
    "ones": "return torch.ones_like(x)",
    "other noise": "return torch.randn_like(x)",
    "model asked once, its answer returned": "return once(model, x, y)",
    "model asked once, without guidance": "return x - once(model, x, y)",
    "model asked once, noise returned": "once(model, x, y); return x",
    "one whole guided step": WHOLE_STEP,
    "parameters read out": READ_OUT_HERE,
    "scale ignored": LABELLED_WALK,
    "label ignored": LABELLED_WALK.replace(", y)", ", y * 0 + null)"),
}

TABLES = {
    "zeros": ("np.zeros((len(X), len(X)))", "np.zeros((len(X), n))"),
    "ones": ("np.ones((len(X), len(X)))", "np.ones((len(X), n))"),
    "identity": ("np.eye(len(X))", "np.eye(len(X), n)"),
    "noise": ("np.random.rand(len(X), len(X))", "np.random.randn(len(X), n)"),
    "input returned": ("X", "X"),
    "first columns": ("X @ X.T", "X[:, :n]"),
    "centred columns": ("X @ X.T / len(X)", "(X - X.mean(0))[:, :n]"),
    "directions": ("np.abs(np.corrcoef(X)) * 0 + 1", "np.linalg.svd(X)[0][:, :n]"),
    "noise projected": ("np.cov(X)", "(X - X.mean(0)) @ np.random.randn(X.shape[1], n)"),
}


def changed(signature: str, result: str, names: str = "") -> str:
    """A function that returns so. names: an assignment of shorter names."""
    return f"def {signature}:\n    {names}\n    return {result}\n"


DEGENERATE: dict[int, dict[str, str]] = {
    1: {
        name: f"def forward(self, y):\n    {body}\nClassEmbedding.forward = forward\n"
        for name, body in EMBEDDING.items()
    },
    2: {
        name: "import torch\n"
        + changed(
            "combine(time_embedding, class_embedding)",
            one,
            "t, c = time_embedding, class_embedding",
        )
        + changed("modulate(x, scale, shift)", other)
        for name, (one, other) in CONDITIONING.items()
    },
    3: {
        name: changed("guide(v_uncond, v_cond, scale)", one, "u, c = v_uncond, v_cond")
        + changed("guided_velocity(model, x, t, y, scale, null_class)", other, "null = null_class")
        for name, (one, other) in GUIDANCE.items()
    },
    4: {
        name: changed(
            "drop_labels(y, drop_prob, null_class, generator=None)",
            result,
            "p, null, g = drop_prob, null_class, generator",
        )
        for name, result in DROPOUT.items()
    },
    5: {
        name: f"def forward(self, x, t, y=None):\n    {body}\nConditionalDiT.forward = forward\n"
        for name, body in MODEL.items()
    },
    6: TRAINING,
    7: {name: SAMPLERS.replace("WALK", walk) for name, walk in SAMPLING.items()},
    8: GRIDS,
    9: {name: MODES.replace("    ONE", f"    {one}") for name, one in MODES_OF.items()},
    10: {
        name: changed("similarity_matrix(embeddings)", one, "X = embeddings")
        + changed("simple_pca(X, n_components=2)", other, "n = n_components")
        for name, (one, other) in TABLES.items()
    },
}
"""Names and texts by step."""
