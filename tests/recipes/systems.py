"""Systems that recipes are tested with, and what a recipe has to be told for them."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import add_adsorbate, bulk, fcc100, molecule
from ase.constraints import FixAtoms, FixSymmetry

from adatom import change_settings
from adatom.atoms.bands import make_band
from adatom.atoms.deformations import scale_volume
from adatom.recipes.emt import ts_job
from tests.recipes.descriptions import CHANGES


def crystal() -> Atoms:
    """L1_0 CuAu, four atoms: a crystal of less symmetry than its lattice, in a cell that is not primitive."""
    atoms = bulk("Cu", a=3.85, cubic=True)
    atoms.symbols[atoms.positions[:, 2] > 1] = "Au"
    return atoms


def moving_crystal() -> Atoms:
    """A crystal whose atoms move."""
    atoms = crystal()
    atoms.set_momenta([[3, 0, 1], [-1, 2, 0], [-2, -1, 4], [0, -1, -5]])
    return atoms


def small_molecule() -> Atoms:
    """N2 in a periodic box."""
    atoms = molecule("N2", vacuum=4.0, pbc=True)
    atoms.rotate(30, (1, 1, 0))
    return atoms


def slab() -> Atoms:
    """Al(100), periodic in three directions."""
    return fcc100("Al", (2, 2, 2), vacuum=5.0, periodic=True)


def hop(shift: float = 0.0, height: float = 0.0) -> Atoms:
    """An adatom that alone moves, `shift` of the way from one site to the next, by less than half of the cell."""
    atoms = fcc100("Al", (3, 2, 2), vacuum=4.0, periodic=True)
    add_adsorbate(atoms, "Au", 1.7 + height, "hollow")
    atoms.positions[-1, 0] += shift * atoms.cell[0, 0] / 3
    atoms.set_constraint(FixAtoms(range(len(atoms) - 1)))
    return atoms


@functools.cache
def saddle() -> Atoms:
    """The top of the hop, not quite in the plane of symmetry, where Sella has nothing to diagonalise."""
    with tempfile.TemporaryDirectory() as folder, change_settings(results_dir=folder):
        return ts_job(hop(0.45, 0.4), fmax=1e-3)["atoms"]


ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "md_job": (moving_crystal,),
    "freq_job": (small_molecule,),
    "convergence_flow": (crystal, {"calc_kwargs.asap_cutoff": [False, True]}),
    "slab_to_ads_flow": (slab, "O"),
    "scan_job": (lambda: scale_volume(crystal(), [-0.03, 0.0, 0.05]),),
    "diatomic_flow": (),  # which takes no structure
    "widom_job": (),  # whose random places are others in another cell: tests/calculations/test_widom.py
    "neb_job": (lambda: make_band(hop(), hop(1.0), 3),),
    "neb_flow": (hop, lambda: hop(1.0)),
    "ts_job": (lambda: hop(0.45, 0.4),),
    "ts_flow": (lambda: hop(0.45, 0.4),),
    "irc_job": (saddle,),
    "irc_flow": (saddle,),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "freq_job": {"molecule": True, "ignore_imaginary": True},
    "md_job": {"steps": 5, "dynamics": "NVE"},
    "relax_job": {"relax_cell": True, "fmax": 1e-5},
    "eos_flow": {"relax_ions": False},
    "elastic_tensor_flow": {"run_relax": False, "relax_ions": False},
    "phonon_flow": {"run_relax": False, "supercell_matrix": [2, 2, 1], "mesh": [3, 3, 3], "t_max": 500, "t_step": 500},
    "qha_flow": {
        "run_relax": False,
        "relax_ions": False,
        "strains": [-0.04, -0.02, 0.0, 0.02, 0.04],
        "supercell_matrix": [2, 2, 1],
        "mesh": [3, 3, 3],
        "t_max": 500,
        "t_step": 500,
        "ignore_imaginary": True,
    },
    "bulk_to_slabs_flow": {
        "run_static": False,
        "slab_kwargs": {"min_slab_size": 4, "min_length_width": None, "z_fix": None},
    },
    "bulk_to_defects_flow": {"supercell_kwargs": {"min_length": 5, "min_atoms": 20, "max_atoms": 80}},
    "slab_to_ads_flow": {"run_static": False},
    "neb_job": {"fmax": 1e-3},
    "neb_flow": {"images": 3, "job_params": {"neb_job": {"fmax": 1e-3}, "relax_job": {"fmax": 1e-4}}},
    "ts_job": {"fmax": 1e-4},
    "ts_flow": {"job_params": {"ts_job": {"fmax": 1e-4}}},
    "irc_job": {"irc_kwargs": {"dx": 0.5}},
    "irc_flow": {"job_params": {"irc_job": {"irc_kwargs": {"dx": 0.5}}, "relax_job": {"fmax": 1e-4}}},
}


# For a metal with atoms of the size of copper.
LENNARD_JONES = {"sigma": 2.47, "epsilon": 0.3, "rc": 6.0, "ro": 5.0, "smooth": True}


class NotACell(Exception):
    """A lattice is not one of multiples of the cell vectors."""


def isotopes(atoms: Atoms) -> None:
    """Every other atom is a heavy one."""
    atoms.set_masses(atoms.get_masses() + np.arange(len(atoms)) % 2)


def moments(atoms: Atoms) -> None:
    """Spins up and down."""
    atoms.set_initial_magnetic_moments((-1.0) ** np.arange(len(atoms)))


def vector_moments(atoms: Atoms) -> None:
    """Spins in two directions."""
    atoms.set_initial_magnetic_moments()
    atoms.set_initial_magnetic_moments([[0, (-1) ** number, 1] for number in range(len(atoms))])


def charges(atoms: Atoms) -> None:
    """Ions of a neutral whole."""
    values = 0.5 * (-1.0) ** np.arange(len(atoms))
    atoms.set_initial_charges(values - values.mean())


def kinds(atoms: Atoms) -> None:
    """Tags, and an array of the user's own."""
    atoms.set_tags(1 + np.arange(len(atoms)) % 2)
    atoms.set_array("kinds", atoms.get_tags() + 2)


def velocities(atoms: Atoms) -> None:
    """Momenta that add up to 0."""
    momenta = np.random.default_rng(0).normal(size=(len(atoms), 3))
    atoms.set_momenta(momenta - momenta.mean(axis=0))


def held(atoms: Atoms) -> None:
    """The lowest layer does not move."""
    if not atoms.constraints:
        atoms.set_constraint(FixAtoms(mask=atoms.positions[:, 2] < atoms.positions[:, 2].min() + 0.1))


def symmetry(atoms: Atoms) -> None:
    """The symmetry is held; it is found in each description anew."""
    if not atoms.constraints:
        atoms.set_constraint(FixSymmetry(atoms))


MARKS: dict[str, Callable[[Atoms], None]] = {
    mark.__name__: mark for mark in (isotopes, moments, vector_moments, charges, kinds, velocities, held, symmetry)
}


def arguments(function: str, marks: Sequence[str] = (), changes: Sequence[Any] = ()) -> list[Any]:
    """The arguments of a recipe: its system, with marks, and described otherwise."""
    made = [make() if callable(make) else make for make in ARGUMENTS.get(function, (crystal,))]
    return [described(value, marks, changes) for value in made]


def described(value: Any, marks: Sequence[str] = (), changes: Sequence[Any] = ()) -> Any:
    """A structure with marks and in another description, or those of a list; any other value as it is."""
    if isinstance(value, list):
        return [described(item, marks, changes) for item in value]
    if not isinstance(value, Atoms):
        return value
    atoms = value.copy()
    for name in marks:
        if name != "symmetry":
            MARKS[name](atoms)
    for change in changes:
        atoms = change(atoms)
    if "symmetry" in marks:
        symmetry(atoms)
    return atoms


def options(function: str, atoms: Any, changes: Sequence[Any] = ()) -> dict[str, Any]:
    """The options of a recipe, for a system in another description: phonons are those of the same supercell.

    Raises NotACell if the supercell is none of the cell.
    """
    found = dict(OPTIONS.get(function, {}))
    if repeated := found.get("supercell_matrix"):
        supercell = Atoms("H", cell=crystal().cell.array * np.reshape(repeated, (3, 1)), pbc=True)
        for change in changes:
            supercell = change(supercell) if change in CHANGES.values() else supercell
        matrix = (supercell.cell.array @ np.linalg.inv(atoms.cell.array)).T
        if np.abs(matrix - matrix.round()).max() > 1e-6:
            raise NotACell(matrix)
        matrix *= np.sign(np.linalg.det(matrix))
        found["supercell_matrix"] = matrix.round().astype(int).tolist()
    return found
