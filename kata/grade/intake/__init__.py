"""Intake: what was handed in, as the texts of the step files, and whose it is."""

from kata.grade.intake.classes import ClassFolder, IntakeError, Left, read_class
from kata.grade.intake.names import printable, same_name
from kata.grade.intake.readers import PLATFORMS
from kata.grade.intake.sources import Source
from kata.grade.intake.submission import Submission

__all__ = [
    "PLATFORMS",
    "ClassFolder",
    "IntakeError",
    "Left",
    "Source",
    "Submission",
    "printable",
    "read_class",
    "same_name",
]
