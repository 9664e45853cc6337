"""The warm runner that the contract tests share."""

from collections.abc import Iterator

import pytest

from kata.course.files import find_root
from kata.runner.client import WarmRunner


@pytest.fixture(scope="session")
def runner() -> Iterator[WarmRunner]:
    """Warm processes, one a core."""
    with WarmRunner(find_root()) as warm:
        yield warm
