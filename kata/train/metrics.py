"""The metrics file of a run: one JSON object a line, which goes on where a resumed run goes on."""

import json
from pathlib import Path
from typing import Any


class Metrics:
    """Appends to `metrics.jsonl` in a run's folder; lines from after `step`, where a run goes on, are dropped."""

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / "metrics.jsonl"
        kept = [line for line in self.lines() if line["step"] <= step]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        part = self.path.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(self.path)

    def add(self, **values: Any) -> None:
        """One line; `step` must be among the values."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    def lines(self) -> list[dict[str, Any]]:
        """All whole lines so far: a run that was killed may have left half a line."""
        if not self.path.is_file():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return found
