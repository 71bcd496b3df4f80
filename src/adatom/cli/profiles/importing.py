"""``adatom profiles import``."""

from __future__ import annotations

import asyncio

import typer

__all__ = ["import_profiles"]


def import_profiles() -> None:
    """Print the blocks that a Prefect server keeps as profiles in TOML."""
    import tomli_w

    from adatom.integrations.prefect_blocks import profiles_from_blocks
    from adatom.machines.profiles import table_of

    typer.echo(tomli_w.dumps(table_of(asyncio.run(profiles_from_blocks()))), nl=False)
