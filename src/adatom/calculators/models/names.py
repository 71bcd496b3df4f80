"""Names of models, as users write them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from adatom.calculators.models.forms import triple
from adatom.calculators.models.registry import find_model
from adatom.calculators.models.rows import Model

__all__ = ["model_label", "named_model", "parsed"]


def parsed(text: str) -> tuple[str, str, dict[str, Any]]:
    """Return the name, the file and the arguments in a text such as ``"mace:/path/my.model?dtype=float64"``.

    Parameters
    ----------
    text
        Name of a model, after which a file and arguments may follow.
    """
    import yaml

    what, _, query = text.partition("?")
    name, _, file = what.partition(":")
    return name, file, {key: yaml.safe_load(value) for key, value in parse_qsl(query, keep_blank_values=True)}


def named_model(calculator: Any) -> Model | None:
    """Return the model that a calculator names, or None if it names none.

    Parameters
    ----------
    calculator
        Calculator in any form that `make_model` takes.
    """
    row = find_model(parsed(calculator)[0]) if isinstance(calculator, str) else None
    # The process of another Python computes one structure at a time.
    return replace(row, batched=None) if row and row.command() else row


def model_label(calculator: Any) -> str:
    """Return the name of a calculator's model, or of its class or function.

    Parameters
    ----------
    calculator
        Calculator in any form that `make_model` takes.
    """
    if isinstance(calculator, str):
        name = parsed(calculator)[0]
        row = find_model(name)
        return row.name if row else name
    made = triple(calculator)[0] if isinstance(calculator, tuple) else calculator
    return str(getattr(made, "__name__", None) or type(made).__name__)
