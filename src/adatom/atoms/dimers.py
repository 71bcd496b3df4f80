"""Dimers: pairs of atoms at many distances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations_with_replacement

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii, vdw_alvarez
from numpy.typing import NDArray

from adatom.atoms.isolated import check_box, element_symbols
from adatom.errors import InputError

__all__ = ["diatomic_distances", "dimers"]


def dimers(
    elements: Iterable[str | int | tuple[str | int, str | int]],
    distances: Sequence[float] | None = None,
    *,
    factors: tuple[float, float] = (0.6, 2.5),
    number: int = 40,
    box: float = 20.0,
    pbc: bool = False,
) -> list[Atoms]:
    """Make two atoms alone in a box at many distances: curves that show how atoms repel and bind, or teach a potential.

    Parameters
    ----------
    elements
        Symbols or atomic numbers, of which all pairs are made, also of an element with itself; or pairs, as
        ``[("Cu", "O")]``.
    distances
        Distances between the two atoms in Å, the same for all pairs; None: those that `factors` and `number` give.
    factors
        Shortest and longest distance, in sums of the covalent radii of the two atoms.
    number
        Number of distances, evenly spaced.
    box
        Edge in Å of the cubic box, in whose middle the pair is, along x.
    pbc
        Whether the box is periodic.

    Returns
    -------
    list of Atoms
        Dimers pair by pair, in the order of distances, with ``"dimer"`` in ``info["config_type"]``.

    Raises
    ------
    InputError
        An element is unknown, or a distance is not above 0 or too long for the box.
    """
    check_box(box)
    made = []
    for pair in _pairs(elements):
        for distance in _factored(pair, factors, number) if distances is None else distances:
            longest = box / 2 if pbc else box  # at a longer distance, periodic images would be nearer
            if not 0 < distance <= longest:
                raise InputError(
                    f"A distance of {'-'.join(pair)} is {distance!r} Å. Give distances above 0 and up to "
                    f"{longest:g} Å, or a larger box."
                )
            positions = np.full((2, 3), box / 2)
            positions[:, 0] += np.array([-0.5, 0.5]) * distance
            made.append(Atoms(pair, positions, cell=[box] * 3, pbc=pbc, info={"config_type": "dimer"}))
    return made


def diatomic_distances(first: str, second: str, step: float = 0.01) -> NDArray[np.float64]:
    """Return distances from deep in the repulsion of two atoms to where they do not feel each other.

    They go from 0.9 times the mean covalent radius to 3.1 times the mean van der Waals radius of Alvarez [1]_, or to
    6 Å where one is not known, as in MLIP Arena [2]_.

    Parameters
    ----------
    first, second
        Symbols of the atoms.
    step
        Distance between two of them in Å, about.

    Returns
    -------
    ndarray
        Distances in Å, evenly spaced, the smallest first.

    Raises
    ------
    InputError
        An element is unknown.

    References
    ----------
    .. [1] S. Alvarez, Dalton Trans. 42, 8617 (2013), https://doi.org/10.1039/c3dt50599e
    .. [2] Y. Chiang et al., MLIP Arena, AI4Mat workshop at ICLR (2025), https://openreview.net/forum?id=ysKfIavYQE
    """
    numbers = [atomic_numbers[symbol] for each in (first, second) for symbol in element_symbols([each])]
    shortest = 0.9 * float(np.mean(covalent_radii[numbers]))
    known = vdw_alvarez.vdw_radii
    radii = [known[number] if number < len(known) else np.nan for number in numbers]
    longest = 6.0 if np.isnan(radii).any() else 3.1 * float(np.mean(radii))
    return np.linspace(shortest, longest, int((longest - shortest) / step))


def _pairs(elements: Iterable[str | int | tuple[str | int, str | int]]) -> list[tuple[str, str]]:
    given = [elements] if isinstance(elements, str | int) else list(elements)
    pairs = [each for each in given if isinstance(each, tuple | list)]
    if pairs and len(pairs) < len(given):
        raise InputError(f"elements are {given!r}. Give elements or pairs of them, not both.")
    if not pairs:
        single = [each for each in given if not isinstance(each, tuple | list)]
        return list(combinations_with_replacement(element_symbols(single), 2))
    found = []
    for pair in pairs:
        if len(pair) != 2:
            raise InputError(f"{pair!r} is no pair of elements. Give two, such as ('Cu', 'O').")
        found.append((element_symbols(pair[:1])[0], element_symbols(pair[1:])[0]))
    return found


def _factored(pair: tuple[str, str], factors: tuple[float, float], number: int) -> Sequence[float]:
    if not isinstance(number, int) or number < 1 or len(factors) != 2 or not 0 < factors[0] <= factors[1]:
        raise InputError(
            f"number is {number!r} and factors {factors!r}. Give an integer above 0, and two numbers above 0 in order."
        )
    bond = sum(covalent_radii[atomic_numbers[symbol]] for symbol in pair)
    distances: list[float] = (bond * np.linspace(*factors, number)).tolist()
    return distances
