"""Isolated atoms, each alone in a box."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols, ground_state_magnetic_moments

from adatom.errors import InputError

__all__ = ["check_box", "element_symbols", "isolated_atoms"]


def isolated_atoms(
    elements: Iterable[str | int], *, box: float = 20.0, pbc: bool = False, magmoms: bool = False
) -> list[Atoms]:
    """Make an atom of each element, alone in a box, to compute the energies of isolated atoms, E0.

    Parameters
    ----------
    elements
        Symbols or atomic numbers; ``atoms.symbols`` will do. Of each element there is one atom.
    box
        Edge in Å of the cubic box, in whose middle the atom is.
    pbc
        Whether the box is periodic.
    magmoms
        Whether the initial magnetic moment is that of the atom's ground state, for codes that take spin from there.

    Returns
    -------
    list of Atoms
        Atoms in the order in which the elements come first, with ``"IsolatedAtom"`` in ``info["config_type"]``.

    Raises
    ------
    InputError
        An element is unknown, there is none, or the edge of the box is not above 0.
    """
    check_box(box)
    return [
        Atoms(
            symbol,
            positions=[[box / 2] * 3],
            cell=[box] * 3,
            pbc=pbc,
            magmoms=[ground_state_magnetic_moments[atomic_numbers[symbol]]] if magmoms else None,
            info={"config_type": "IsolatedAtom"},
        )
        for symbol in element_symbols(elements)
    ]


def element_symbols(elements: Iterable[str | int]) -> list[str]:
    """Return the symbols of elements, each once, and refuse unknown elements.

    Parameters
    ----------
    elements
        Symbols or atomic numbers of the elements.

    Raises
    ------
    InputError
        An element is unknown, or there is none.
    """
    if isinstance(elements, str | int):
        elements = [elements]
    symbols = []
    for element in elements:
        if isinstance(element, str):
            if atomic_numbers.get(element, 0) < 1:
                raise InputError(f"{element!r} is no element. Give symbols such as 'Cu', or atomic numbers.")
            symbols.append(str(element))
        elif 0 < element < len(chemical_symbols):
            symbols.append(chemical_symbols[element])
        else:
            raise InputError(f"{element!r} is the number of no element. Give 1 to {len(chemical_symbols) - 1}.")
    if not symbols:
        raise InputError("There are no elements. Give symbols such as ['Cu', 'O'].")
    return list(dict.fromkeys(symbols))


def check_box(box: float) -> None:
    """Refuse a box without a size.

    Parameters
    ----------
    box
        Edge of the box in Å.

    Raises
    ------
    InputError
        The edge is not above 0.
    """
    if not 0 < box < math.inf:
        raise InputError(f"box is {box!r}. Give the edge of the box in Å, above 0.")
