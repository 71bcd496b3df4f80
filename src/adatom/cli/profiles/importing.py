"""``adatom profiles import``."""

from __future__ import annotations

import asyncio

from adatom.cli.say import say

__all__ = ["import_profiles"]


def import_profiles() -> None:
    """Print the blocks that a Prefect server keeps as profiles in TOML."""
    from adatom.engines.clusters.prefect_blocks import blocks_as_toml  # Prefect is slow to import, and may be missing

    say(asyncio.run(blocks_as_toml()), end="")
