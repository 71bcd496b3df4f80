"""Adsorption of a dilute gas in a rigid host, by random insertions of a molecule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Any, cast

import numpy as np
from ase import Atoms
from ase.geometry import get_distances
from numpy.typing import NDArray

from adatom.analysis.widom import adsorption
from adatom.atoms.molecules import make_whole
from adatom.calculations.calculation import calculation, closed_after, independent_copy
from adatom.calculations.checks import check_atoms, check_calculator, check_count, check_positive, make_generator
from adatom.calculations.scan import compute_each
from adatom.errors import ConvergenceError, InputError
from adatom.schemas.widom import WidomResult

__all__ = ["check_insertions", "insertion_structures", "run_widom"]

_Array = NDArray[np.float64]


def insertion_structures(atoms: Atoms, gas: Atoms) -> tuple[Atoms, Atoms, Atoms]:
    """Return the host, the molecule alone in the cell of the host, and both together.

    Parameters
    ----------
    atoms
        Host, periodic in three directions.
    gas
        Molecule, whose own cell does not count.

    Raises
    ------
    InputError
        One of them cannot be computed, the host is not periodic in three directions, or the molecule does not fit
        between the walls of its cell.
    """
    for one in (atoms, gas):
        check_atoms(one)
    if not atoms.pbc.all():
        raise InputError(
            f"The host {atoms.get_chemical_formula()} is periodic along {atoms.pbc.tolist()}. Give a crystal, such "
            "as a zeolite, that is periodic in three directions."
        )
    alone = make_whole(gas)
    alone.set_constraint()
    extent, height = alone.get_all_distances().max(), float(1 / atoms.cell.reciprocal().lengths().max())
    if extent >= height:
        raise InputError(
            f"The molecule is {extent:.3g} Å long and would meet its own images in the cell of the host, which is "
            f"{height:.3g} Å high. Repeat the host with adatom.atoms.supercells.make_supercell."
        )
    alone.set_cell(atoms.cell)
    alone.pbc = True
    both = independent_copy(atoms)
    both.extend(alone)
    return independent_copy(atoms), alone, both


def check_insertions(temperature: float, insertions: int, min_distance: float, seed: int) -> None:
    """Refuse arguments of `run_widom` that are out of range.

    Parameters
    ----------
    temperature, insertions, min_distance, seed
        Same as in `run_widom`.

    Raises
    ------
    InputError
        One of them is out of range.
    """
    check_positive(temperature=temperature)
    check_count(insertions=insertions)
    if min_distance != 0:
        check_positive(min_distance=min_distance)
    make_generator(seed)


def run_widom(
    atoms: Atoms,
    gas: Atoms,
    calculators: Sequence[Any],
    *,
    temperature: float = 300.0,
    insertions: int = 5000,
    min_distance: float = 1.5,
    seed: int = 0,
    name: str = "widom",
) -> WidomResult:
    """Insert a molecule at random places of a rigid host, and average over them by Widom's method.

    Parameters
    ----------
    atoms
        Host, a crystal with pores; it is not changed. Its cell is so large that the molecule does not feel its own
        images.
    gas
        Molecule to insert, which keeps its shape; its cell does not count.
    calculators
        ASE calculators of the structures of `insertion_structures`, in their order. Structures may share one, which
        nothing else uses.
    temperature
        Temperature in K.
    insertions
        Number of insertions, each with its centre of mass anywhere in the cell and with any orientation.
    min_distance
        Distance in Å between an atom of the molecule and one of the host below which there is no room. Such an
        insertion is not computed, and counts with no weight: potentials are not made for atoms inside of one another.
    seed
        Seed of the random numbers, an integer of at least 0. The insertions of a shorter run are the first of a longer
        one.
    name
        Name of the run and stem of its files.

    Returns
    -------
    WidomResult
        ``results`` has the Henry coefficient in mol/kg/Pa, the interaction energy in eV and the heat of adsorption in
        kJ/mol with their errors; ``points["energies"]`` the interaction energies in eV, shape (P,); ``missing`` says
        which insertions failed, and why. ``atoms`` is the host with the molecule at the place of the lowest energy, the
        only one in the trajectory.

    Raises
    ------
    InputError
        Bad input, or the host has no room, found before anything is computed.
    ConvergenceError
        The host, the molecule alone or all insertions failed.

    Notes
    -----
    Formulas are those of `adatom.analysis.widom.adsorption`. The energy of an insertion is that of the whole, less that
    of the host and less that of the molecule, each alone in the same cell.
    """
    check_insertions(temperature, insertions, min_distance, seed)
    structures = insertion_structures(atoms, gas)
    for _, calculator in zip(structures, calculators, strict=True):
        check_calculator(calculator, "energy")
    host, alone, both = structures
    places = _places(alone, insertions, seed)
    free = [index for index, place in enumerate(places) if _nearest(place, host) >= min_distance]
    if not free:
        raise InputError(
            f"{host.get_chemical_formula()} has no room: each of {insertions} insertions has an atom within "
            f"{min_distance} Å of the host. Insert more molecules, or lower min_distance."
        )

    def inserted() -> Iterator[Atoms]:
        for index in free:
            both.positions[len(host) :] = places[index]
            yield both

    with calculation(name, host, calculators[0], needs=("energy",)) as run, closed_after(*calculators[1:]):
        pairs = zip(chain(structures[:2], inserted()), chain(calculators[:2], repeat(calculators[2])), strict=False)
        computed = compute_each(run, pairs, ["energy"])
        apart = 0.0
        for what in ("host", "molecule alone"):
            found, why = next(computed)
            if why:
                raise ConvergenceError(f"The {what} failed: {why}")
            apart += found["energy"]
        energies = np.full(insertions, np.inf)
        missing: dict[str, str] = {}
        best: tuple[float, Atoms, dict[str, Any]] = (np.inf, host, {})
        for index, (found, why) in zip(free, computed, strict=True):
            energies[index] = found.get("energy", np.nan) - apart
            if why:
                missing[str(index)] = why
            elif energies[index] < best[0]:
                best = energies[index], run.atoms, found
        if len(missing) == len(free):
            raise ConvergenceError(f"All {len(free)} insertions with room failed, the first by {missing[str(free[0])]}")
        averages = adsorption(energies, temperature, host.get_masses().sum(), host.get_volume())
        run.atoms = best[1]
        with run.trajectory() as trajectory:
            trajectory.write(run.atoms, **best[2])
        result = run.result(
            converged=not missing,
            gas=gas.get_chemical_formula(),
            temperature=temperature,
            insertions=insertions,
            min_distance=min_distance,
            seed=seed,
        )
        return cast(
            WidomResult,
            {**result, "results": {**best[2], **averages}, "points": {"energies": energies}, "missing": missing},
        )


def _places(alone: Atoms, number: int, seed: int) -> _Array:
    """Return positions of a molecule in Å, shape (number, N, 3): anywhere in its cell, and in any orientation."""
    from scipy.spatial.transform import Rotation

    centres, turns = make_generator(seed).spawn(2)
    matrices = Rotation.random(number, rng=turns).as_matrix()
    shape = alone.positions - alone.get_center_of_mass()
    found: _Array = (shape @ matrices) + (centres.random((number, 3)) @ alone.cell.array)[:, None]
    return found


def _nearest(place: _Array, host: Atoms) -> float:
    return float(get_distances(place, host.positions, cell=host.cell, pbc=True)[1].min())
