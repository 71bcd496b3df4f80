"""Presets: parameters of a code under a name, in files that build on one another.

A preset is a YAML file with the keyword arguments of the code's calculator. ``parent`` names one preset, or several, on
which the file builds, merged by `adatom.utils.merge`; ``elements`` has the parameters of elements by symbol.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adatom.errors import InputError, UnknownNameError
from adatom.utils.merge import merge
from adatom.utils.tables import read_yaml

__all__ = ["Preset", "load_preset", "preset_names"]

Preset = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None

_HOME = Path(__file__).with_name("presets")
_SUFFIX = ".yaml"


def preset_names(code: str) -> list[str]:
    """Return the names of the presets that come with adatom.

    Parameters
    ----------
    code
        Name of the code, which is that of its package in `adatom.recipes`.
    """
    return sorted(file.stem for file in (_HOME / code).glob(f"*{_SUFFIX}"))


def load_preset(code: str, preset: Preset) -> dict[str, Any]:
    """Return the parameters of a preset, merged over those of its parents.

    Parameters
    ----------
    code
        Name of the code, which is that of its package in `adatom.recipes`.
    preset
        Name in `preset_names`, the path of a YAML file of your own, or a list of these, of which a later one wins.
        None: no parameters.

    Raises
    ------
    InputError
        The preset does not exist, or its file cannot be used.
    """
    return merge(*_layers(code, preset, Path(), ()))


def _layers(code: str, preset: Any, home: Path, children: tuple[Path, ...]) -> list[dict[str, Any]]:
    """Return the contents of all files, parents first, so that a child can remove keys of its parents."""
    names = [] if preset is None else [preset] if isinstance(preset, str | os.PathLike) else preset
    if not isinstance(names, Sequence) or not all(isinstance(name, str | os.PathLike) for name in names):
        raise InputError(f"The preset is {preset!r}. Give a name, the path of a YAML file, or a list of these.")
    found = []
    for name in names:
        file = _find(code, name, home)
        if file in children:
            raise InputError(f"The preset {file} is its own parent: {' -> '.join(map(str, (*children, file)))}.")
        content = _read(file)
        found += [*_layers(code, content.pop("parent", None), file.parent, (*children, file)), content]
    return found


def _find(code: str, name: str | os.PathLike[str], home: Path) -> Path:
    text = os.fspath(name)
    if not text.endswith((_SUFFIX, ".yml")) and os.sep not in text:
        file = _HOME / code / f"{text}{_SUFFIX}"
        if not file.is_file():
            raise UnknownNameError(f"preset of {code}", text, preset_names(code), "Your own is a path: mine.yaml.")
        return file
    file = home / Path(text).expanduser()
    if not file.is_file():
        raise InputError(f"There is no preset {str(file)!r}. Those of {code}: {', '.join(preset_names(code))}.")
    return file.resolve()


def _read(file: Path) -> dict[str, Any]:
    content = read_yaml(file, f"The preset {file}")
    if not isinstance(content, dict):
        raise InputError(f"The preset {file} is no table. Give it lines such as `kspacing: 0.25`.")
    _refuse_text_for_numbers(content, file)
    return content


def _refuse_text_for_numbers(content: Mapping[str, Any], file: Path) -> None:
    for key, value in content.items():
        if isinstance(value, Mapping):
            _refuse_text_for_numbers(value, file)
        elif isinstance(value, str) and value[:1].isdigit() and "e" in value.lower():
            try:
                number = float(value)
            except ValueError:
                continue
            raise InputError(f"The preset {file}: {key}: {value} is text in YAML. Write {number:.6e}.")
