"""Which tests are deep: long by nature, and run by ``nox -s deep`` only, every night and before a release."""

from collections.abc import Collection
from typing import Any

import pytest


def deep_but(kept: Collection[Any], values: Collection[Any], reason: str) -> list[Any]:
    """Parameters of a test, of which those not in `kept` are deep."""
    assert set(kept) <= set(values), f"{set(kept) - set(values)} are no parameters of the test."
    deep = pytest.mark.deep(reason=reason)
    return [value if value in kept else pytest.param(value, marks=deep) for value in values]
