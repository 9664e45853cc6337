"""The `kata` command. A room is imported only when its command is called."""

from importlib import import_module

from kata.cli.app import app

for _commands in ("learn", "train", "measure", "teach", "maintain"):  # in the order of the help
    import_module(f"kata.cli.{_commands}")


def main() -> None:
    """The entry point of the `kata` command."""
    app()
