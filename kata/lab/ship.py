"""`kata ship`: make a checkpoint of the course, with its model card, from a run of `kata train`."""

import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from kata.course.files import find_root, shown
from kata.lab.evaluate import evaluate_checkpoint, print_scores
from kata.train.checkpoints import Checkpoint, CheckpointError, read_checkpoint, write_checkpoint

DATA = {
    "digits": "scikit-learn's handwritten digits, 1,437 images of 8 × 8 pixels to train on, 360 held out "
    "(E. Alpaydin and C. Kaynak, UCI, 1998, CC BY 4.0)",
    "mnist": "MNIST, 60,000 images of 28 × 28 pixels to train on, 10,000 held out "
    "(Y. LeCun, C. Cortes, C. Burges, CC BY-SA 3.0)",
}


def ship_checkpoint(
    run: Path,
    name: str,
    half: bool,
    console: Console,
    data: Path | None = None,
    remark: str = "",
) -> tuple[Path, dict[str, Any]]:
    """Put a run's weights into checkpoints/NAME, evaluate them there, and write the card.

    What only training needs is left out. half: keep the weights in half precision; remark: a
    sentence for the card. Return the folder and the report of `kata evaluate`. Raise
    CheckpointError if the folder is there already, and what reading and evaluating raise.
    """
    checkpoint = read_checkpoint(run)
    if "recipe" not in checkpoint.facts:
        raise CheckpointError(
            f"{shown(run)} is not a run of `kata train`: it has no recipe for the card."
        )
    folder = find_root() / "checkpoints" / name
    if folder.exists():
        raise CheckpointError(
            f"{shown(folder)} is there already: remove it, or ship under another name."
        )
    facts = {k: v for k, v in checkpoint.facts.items() if k not in ("format", "files", "losses")}
    weights = {
        key: value.half() if half and value.is_floating_point() else value
        for key, value in checkpoint.parts["model"].items()
    }
    try:
        write_checkpoint(folder, {"model": weights}, facts)
        report = evaluate_checkpoint(folder, console=console, data=data)
        text = json.dumps(report, indent=2) + "\n"
        (folder / "evaluation.json").write_text(text, encoding="utf-8")
        card = card_of(name, read_checkpoint(folder), report, remark)
        (folder / "README.md").write_text(card, encoding="utf-8")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder, report


def card_of(name: str, checkpoint: Checkpoint, report: Mapping[str, Any], remark: str = "") -> str:
    """Return the model card in Markdown: data, recipe, command, machine, figures, SHA-256."""
    facts = checkpoint.facts
    recipe, file = facts["recipe"], facts["files"]["model"]
    dtypes = {str(v.dtype).removeprefix("torch.") for v in checkpoint.parts["model"].values()}
    size = ", ".join(f"{key} {value}" for key, value in facts["model"].items())
    versions = ", ".join(f"{key} {value}" for key, value in facts["versions"].items())
    scores = io.StringIO()
    print_scores(dict(report), Console(file=scores, width=80))
    table = "\n".join(line.rstrip() for line in scores.getvalue().splitlines()).strip("\n")
    return f"""# {name}

A `ConditionalDiT` of {report["parameters"]:,} parameters that draws handwritten digits on request, trained by flow
matching with a tenth of the labels dropped. Made by the reference solutions of this course, for its pictures and
examples; it draws digits and is good for nothing else.

| | |
|---|---|
| data | {DATA[checkpoint.dataset]}, pixels in [-1, 1] |
| model | {size} |
| recipe | {_recipe(recipe)} |
| command | `kata train {facts["preset"]} --seed {facts["seed"]} --steps {facts["step"]}` |
| trained on | {facts["device"]}; {facts["threads"]} threads; {versions} |
| took | {_took(facts)}{". " + remark if remark else ""} |
| weights | {"the average of the weights (EMA)" if recipe["ema"] else "of the last step"}, {", ".join(sorted(dtypes))} |
| SHA-256 | `{file["sha256"]}` of `{file["name"]}`; loading verifies it |

## Figures

`kata evaluate {name}` found, on this very file:

```
{table}
```

## Use

```
kata generate 7 --checkpoint {name} --scale 4 -n 16
```
"""


def _recipe(recipe: Mapping[str, Any]) -> str:
    muon = recipe.get("muon_lr")
    parts = [
        f"Muon, lr {muon:g}, on the matrices of attention and MLP" if muon is not None else "",
        f"AdamW, lr {recipe['lr']:g}, {'on all else, ' if muon is not None else ''}"
        f"betas {tuple(recipe['betas'])}, weight decay {recipe['weight_decay']:g}",
        _schedule(recipe),
        f"batch {recipe['batch_size']}",
        f"label dropout {recipe['label_drop_prob']:g}",
        f"gradient clipped at {recipe['clip']:g}" if recipe["clip"] is not None else "",
        f"EMA {recipe['ema']:g}" if recipe["ema"] is not None else "",
    ]
    return "; ".join(part for part in parts if part)


def _schedule(recipe: Mapping[str, Any]) -> str:
    if recipe["warmup"] is None:
        return "constant rates"
    cooldown = recipe.get("cooldown")
    if cooldown is None:
        return f"{recipe['warmup']} steps of warm-up, then a cosine to 0"
    return f"{recipe['warmup']} steps of warm-up, over the last {cooldown:.0%} of the steps in a straight line to 0"


def _took(facts: Mapping[str, Any]) -> str:
    minutes, seconds = divmod(round(facts["seconds"]), 60)
    clock = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return f"{clock}, {facts['step']:,} {'epochs' if facts['recipe']['by_trainer'] else 'steps'}"
