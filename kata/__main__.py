"""`python -m kata`, which is what `torchrun -m kata train ...` starts."""

from kata.cli import main

main()
