"""Places that profiles of machines and batch jobs are read from."""

from __future__ import annotations

from pathlib import Path

from adatom.settings import get_settings

__all__ = ["profile_places"]


def profile_places() -> list[Path]:
    """Return the files and directories of profiles, of which later ones take precedence. They need not exist."""
    named = get_settings().profiles
    return [Path("~/.config/adatom/profiles").expanduser(), Path("adatom.toml").absolute(), *named]
