"""The same molecule gives the same document with tblite, however it is described: every job that takes a structure."""

import functools
import inspect
import tempfile

import pytest
from ase import Atoms
from ase.build import molecule

from adatom import change_settings
from adatom.recipes.common.thermo import thermo_job
from adatom.recipes.registry import recipes_of
from adatom.recipes.tblite import relax_job
from tests.codes import needs_code
from tests.recipes.comparison import same
from tests.recipes.descriptions import CHANGES
from tests.recipes.systems import described

pytestmark = needs_code("tblite")

# These begin near a saddle point, with a band, or with a crystal that has room for a molecule.
NOT_OF_A_MOLECULE = {"ts_job", "irc_job", "neb_job", "widom_job"}
OPTIONS = {"md_job": {"steps": 5}, "relax_job": {"fmax": 1e-3}, "freq_job": {"molecule": True}}


def cyano(cell: float | None = None) -> Atoms:
    """CN, whose states are not degenerate, turned away from the axes; in a periodic box, if it has a length."""
    atoms = Atoms("CN", positions=[[0, 0, 0], [0.6, 0.8, 0.6]])
    if cell:
        atoms.set_cell([cell, cell + 0.5, cell + 1.0])
        atoms.pbc = True
        atoms.center()
    return atoms


def water() -> Atoms:
    atoms = molecule("H2O", cell=[6.0, 6.5, 7.0], pbc=True)
    atoms.positions += 0.2  # its hydrogens lie in other cells
    return atoms


# Molecules, with their charges.
MOLECULES = {
    "radical": (cyano, 0),
    "ion": (cyano, -1),
    "radical in a box": (lambda: cyano(6.0), 0),
    "across the cell": (water, 0),
    "symmetric": (lambda: molecule("NH3"), 0),
}


@functools.cache
def relaxed(name: str) -> Atoms:
    make, charge = MOLECULES[name]
    with tempfile.TemporaryDirectory() as folder, change_settings(results_dir=folder):
        atoms = relax_job(make(), fmax=1e-4, calc_kwargs={"charge": charge, "accuracy": 0.1})["atoms"]
    return atoms


def run(recipe, name, marks=(), changes=()):
    told = {"calc_kwargs": {"charge": MOLECULES[name][1], "accuracy": 0.1}, **OPTIONS.get(recipe.function, {})}
    found = recipe.step(described(relaxed(name), marks, [CHANGES[change] for change in changes]), **told)
    return [found, thermo_job(found, temperature=500.0)] if recipe.function == "freq_job" else found


@functools.cache
def reference(recipe, name, marks=()):
    with tempfile.TemporaryDirectory() as folder, change_settings(results_dir=folder):
        return run(recipe, name, marks)


def differences(recipe, name, marks, changes):
    atoms = relaxed(name)
    # The dipole moment of an ion depends on the origin, and so does that of a cell.
    but = [r".*\.dipole"] if MOLECULES[name][1] or atoms.pbc.any() else []
    return "\n".join(same(reference(recipe, name, marks), run(recipe, name, marks, changes), 1e-4, 5e-5, but))


def recipes():
    return [
        pytest.param(recipe, id=recipe.function)
        for recipe in (recipes_of("tblite") if not needs_code("tblite").args[0] else [])
        if next(iter(inspect.signature(recipe.step).parameters)) == "atoms"
        and recipe.kind == "job"
        and recipe.function not in NOT_OF_A_MOLECULE
    ]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", MOLECULES)
@pytest.mark.parametrize("recipe", recipes())
def test_description(recipe, name, change):
    different = differences(recipe, name, (), [change])
    assert not different, different


@pytest.mark.parametrize("name", MOLECULES)
@pytest.mark.parametrize("recipe", recipes())
def test_isotopes_that_move(recipe, name):
    marks = ("isotopes", "kinds", "velocities")
    different = differences(recipe, name, marks, ["permuted_atoms", "wrapped", "rotated"])
    assert not different, different
