"""Elements as users write them."""

from __future__ import annotations

from ase.data import atomic_numbers, chemical_symbols

from adatom.errors import InputError

__all__ = ["elements_of"]


def elements_of(text: str) -> list[str]:
    """Return the symbols of elements in the order of their atomic numbers.

    Parameters
    ----------
    text
        Symbols and ranges, such as ``"H-Ar,Cu"``.

    Raises
    ------
    InputError
        A symbol is unknown, or a range goes down.
    """
    numbers: set[int] = set()
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        ends = [atomic_numbers.get(symbol, 0) for symbol in ((first, last) if dash else (first, first))]
        if 0 in ends or ends[0] > ends[1]:
            raise InputError(f"{part!r} is no element and no range of elements. Give symbols such as 'H-Ar,Cu'.")
        numbers.update(range(ends[0], ends[1] + 1))
    return [chemical_symbols[number] for number in sorted(numbers)]
