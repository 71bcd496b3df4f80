"""``adatom profiles import``."""

from __future__ import annotations

import asyncio

import typer

__all__ = ["import_profiles"]


def import_profiles() -> None:
    """Print the blocks that a Prefect server keeps as profiles in TOML."""
    from adatom.engines.clusters.prefect_blocks import blocks_as_toml  # Prefect is slow to import, and may be missing

    typer.echo(asyncio.run(blocks_as_toml()), nl=False)
