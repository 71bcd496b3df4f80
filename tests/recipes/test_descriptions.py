"""The same system gives the same document, however it is described: every recipe of a code, under every change.

A recipe that is new is covered with a crystal as its first argument, or says in `ARGUMENTS` which other input it needs.
"""

import functools
import tempfile
import warnings
from typing import Any

import pytest
from ase import Atoms
from ase.build import add_adsorbate, bulk, fcc100, molecule
from ase.constraints import FixAtoms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adatom import FlowFailure, change_settings
from adatom.atoms.bands import make_band
from adatom.recipes.emt import ts_job
from adatom.recipes.registry import recipes_of
from tests.codes import needs_code
from tests.recipes.descriptions import CHANGES, changed, same


def crystal() -> Atoms:
    """Cu3Au with an atom off its site: a crystal of little symmetry, but for relaxations."""
    atoms = bulk("Cu", a=3.75, cubic=True)
    atoms.symbols[0] = "Au"
    return atoms


def tetragonal() -> Atoms:
    """L1_0 CuAu: a crystal of less symmetry than its lattice."""
    atoms = bulk("Cu", a=3.85, cubic=True)
    atoms.symbols[atoms.positions[:, 2] > 1] = "Au"
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
    """An adatom that alone moves, `shift` of the way from one site to the next."""
    atoms = fcc100("Al", (2, 2, 2), vacuum=4.0, periodic=True)
    add_adsorbate(atoms, "Au", 1.7 + height, "hollow")
    atoms.positions[-1, 0] += shift * atoms.cell[0, 0] / 2
    atoms.set_constraint(FixAtoms(range(len(atoms) - 1)))
    return atoms


@functools.cache
def saddle() -> Atoms:
    """The top of the hop, not quite in the plane of symmetry, where Sella has nothing to diagonalise."""
    with tempfile.TemporaryDirectory() as folder, change_settings(results_dir=folder):
        return ts_job(hop(0.45, 0.4), fmax=1e-3)["atoms"]


ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "md_job": (crystal,),
    "freq_job": (small_molecule,),
    "convergence_flow": (crystal, {"calc_kwargs.asap_cutoff": [False, True]}),
    "slab_to_ads_flow": (slab, "O"),
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
    "phonon_flow": {"run_relax": False, "supercell_matrix": [2, 2, 2], "mesh": [3, 3, 3], "t_step": 500},
    "qha_flow": {
        "run_relax": False,
        "relax_ions": False,
        "supercell_matrix": [1, 1, 1],
        "mesh": [3, 3, 3],
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
# Strains along x, y and z are others of a crystal that is turned.
NOT_THE_SAME = {"elastic_tensor_flow": [".static", ".elasticity.fitting_data", ".elasticity.residual"]}
TOLERANCES = {"elastic_tensor_flow": 2e-3}  # of the strains, which are finite
# Refused by name before anything is computed.
REFUSED = {("slab_to_ads_flow", "turned_vectors"): r"vacuum of .* Å along its third cell vector"}
RECIPES = [
    pytest.param(recipe, marks=needs_code("sella") if recipe.function.startswith(("ts_", "irc_")) else ())
    for recipe in recipes_of("emt")
]


@functools.cache
def document(recipe) -> Any:
    """The document of a recipe for the system as it is."""
    with tempfile.TemporaryDirectory() as folder, change_settings(results_dir=folder):
        return recipe.step(*arguments(recipe), **OPTIONS.get(recipe.function, {}))


def arguments(recipe):
    return [make() if callable(make) else make for make in ARGUMENTS.get(recipe.function, (tetragonal,))]


def differences(recipe, system) -> str:
    """Where the document of a system in another description differs from that of the system as it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected, found = document(recipe), recipe.step(*system, **OPTIONS.get(recipe.function, {}))
    tolerance = TOLERANCES.get(recipe.function, 2e-4)
    return "\n".join(same(expected, found, tolerance, 2e-4, NOT_THE_SAME.get(recipe.function, ())))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.function)
def test_description(recipe, change, results_dir):
    system = changed(arguments(recipe), CHANGES[change])
    if why := REFUSED.get((recipe.function, change)):
        with pytest.raises(FlowFailure, match=why):
            recipe.step(*system, **OPTIONS.get(recipe.function, {}))
        assert not list(results_dir.rglob("JOB-*"))
        return
    different = differences(recipe, system)
    assert not different, different


@pytest.mark.deep(reason="a search of an hour")
@pytest.mark.timeout(2 * 3600)
@needs_code("sella")
@settings(max_examples=3000, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(recipes_of("emt")), st.lists(st.sampled_from(sorted(CHANGES)), min_size=2, max_size=4))
def test_descriptions_of_descriptions(recipe, changes):
    if any((recipe.function, change) in REFUSED for change in changes):
        return
    system = arguments(recipe)
    for change in changes:
        system = changed(system, CHANGES[change])
    with tempfile.TemporaryDirectory() as folder, change_settings(results_dir=folder):
        different = differences(recipe, system)
    assert not different, different
