"""``adatom settings``: the value of each setting and its source."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from adatom.cli.tables import print_json, print_table, print_text
from adatom.settings import Settings, config_file, get_settings, setting_sources

__all__ = ["settings"]


def settings(as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False) -> None:
    """Show each setting and where its value comes from."""
    values = get_settings().model_dump(mode="json")
    sources = setting_sources()
    if as_json:
        print_json(
            {
                key: {"value": values[key], "source": sources[key], "description": field.description}
                for key, field in Settings.model_fields.items()
            }
        )
        return
    print_table(
        ("setting", "value", "from", "what it is"),
        [
            (key, _shown(values[key]), sources[key], field.description or "")
            for key, field in Settings.model_fields.items()
        ],
    )
    print_text(f"\nA setting KEY is read from the variable ADATOM_KEY, then from {config_file()}: key = value.")


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else "unset" if value is None else json.dumps(value)
