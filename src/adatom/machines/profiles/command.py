"""Profile of a program and its constant arguments."""

from __future__ import annotations

from adatom.machines.model import Model, Name, Word

__all__ = ["Command"]


class Command(Model):
    """Profile of a program and its constant arguments.

    Attributes
    ----------
    name
        Name that other profiles and callers use.
    executable
        Key of the program in the `executables` of a machine.
    arguments
        Arguments that the program always gets, before those of the user.
    description
        Free text for readers of the profile.
    """

    name: Name
    executable: Word
    arguments: tuple[str, ...] = ()
    description: str = ""
