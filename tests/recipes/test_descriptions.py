"""The same system gives the same document, however it is described: every recipe of a code, under every change.

A recipe that is new is covered with a crystal as its first argument, or says in `systems.ARGUMENTS` which other input
it needs.
"""

import functools
import inspect
import tempfile
import warnings
from typing import Any

import pytest
from ase import Atoms
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from adatom import FlowFailure, JobFailure, change_settings
from adatom.errors import AdatomError, InputError
from adatom.recipes.registry import recipes_of
from adatom.workflow import Job
from tests.codes import needs_code
from tests.recipes.comparison import same
from tests.recipes.descriptions import CELLS, CHANGES
from tests.recipes.systems import (
    ARGUMENTS,
    LENNARD_JONES,
    MARKS,
    NotACell,
    arguments,
    crystal,
    moving_crystal,
    options,
)

ALL = CHANGES | CELLS
# Several at once, where each alone would take long.
MIXED = ("permuted_atoms", "left_handed", "wrapped", "rotated")

# Strains along x, y and z are others of a crystal that is turned.
OF_ONE_OF_SEVERAL = r".*\.(kinds|tags|initial_charges)"  # atoms of a crystal, where a smaller cell of it is repeated
NOT_THE_SAME = {
    "elastic_tensor_flow": [r"\.static", r"\.elasticity\.(fitting_data|residual)"],
    "bulk_to_defects_flow": [OF_ONE_OF_SEVERAL],
    "bulk_to_slabs_flow": [OF_ONE_OF_SEVERAL],
    "phonon_flow": [OF_ONE_OF_SEVERAL],
    "qha_flow": [OF_ONE_OF_SEVERAL],
}
# phonopy displaces atoms along the vectors of the cell, and as many as its symmetry leaves different.
OF_A_MAGNET_WITH_OTHER_VECTORS = {
    "phonon_flow": [r"\.static", r"\.phonons\.displacements"],
    "qha_flow": [r"\.phonons\[\d+\]\.(static|phonons\.displacements)"],
}
NOT_THE_SAME_IN_OTHER_CELLS = {
    "relax_job": [r"\.steps"],
    "md_job": [r".*\.temperature"],  # its degrees of freedom are three less than those of the atoms, in any cell
    **OF_A_MAGNET_WITH_OTHER_VECTORS,
}
# Strains and displacements are finite, and a band is left with some forces.
TOLERANCES = {"elastic_tensor_flow": 2e-3, "phonon_flow": 1e-3, "qha_flow": 1e-3, "neb_job": 1e-3}
# Refused by name before anything is computed.
UPSIDE_DOWN = "upside down"  # the surface is where the third vector points, and held
REFUSED = {
    ("slab_to_ads_flow", UPSIDE_DOWN): "atoms there are held, while those of the other side are free",
    ("slab_to_ads_flow", "turned_vectors"): r"vacuum of .* Å along its third cell vector",
    ("md_job", "symmetry"): "constraint FixSymmetry holds positions and forces, but no velocities",
    ("bulk_to_defects_flow", "symmetry"): "constraint FixSymmetry, which does not hold in a supercell",
}
# What symmetry and structures see, what forces and motion see, and what is found in each description anew.
MARKED = {
    "unequal": ("isotopes", "moments", "charges", "kinds", "velocities"),
    "unequal vectors": ("vector_moments", "held"),
    "symmetric": ("symmetry",),
}


def recipes(code, wanted=lambda recipe: True):
    return [
        pytest.param(
            recipe,
            marks=needs_code("sella") if recipe.function.startswith(("ts_", "irc_")) else (),
            id=recipe.function,
        )
        for recipe in filter(wanted, described(code))
    ]


def described(code) -> list[Any]:
    """The recipes of a code that take a structure."""
    return [recipe for recipe in recipes_of(code) if ARGUMENTS.get(recipe.function, (crystal,))]


def of_a_crystal(recipe) -> bool:
    """Whether other cells hold the same system: a molecule or a slab would have other neighbors or coverage."""
    return next(iter(ARGUMENTS.get(recipe.function, (crystal,))), None) in (crystal, moving_crystal)


def not_from_a_saddle(recipe) -> bool:
    """Whether a recipe starts from what is no saddle point, as that of `systems` is one of EMT."""
    return not recipe.function.startswith("irc_")


def run(recipe, marks=(), changes=()) -> tuple[Any, int]:
    """The document of a recipe for its system in a description, and the number of atoms of that."""
    changes = [ALL[name] for name in changes]
    system = arguments(recipe.function, marks, changes)
    atoms = system[0] if isinstance(system[0], Atoms) else system[0][0]
    told = options(recipe.function, atoms, changes)
    if recipe.module.endswith(".lj"):
        told = with_parameters(recipe, told)
        system = [{"calc_kwargs.rc": [5.8, 6.0]} if isinstance(value, dict) else value for value in system]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return recipe.step(*system, **told), len(atoms)


def with_parameters(recipe, told):
    """Options of a recipe with parameters of the Lennard-Jones potential, for itself or each of its jobs."""
    if recipe.kind == "job":
        return told | {"calc_kwargs": LENNARD_JONES}
    parameters = inspect.signature(recipe.step).parameters
    jobs = [name for name, parameter in parameters.items() if isinstance(parameter.default, Job)]
    given = told.get("job_params", {})
    return told | {"job_params": {name: {"calc_kwargs": LENNARD_JONES} | given.get(name, {}) for name in jobs}}


@functools.cache
def reference(recipe, marks=()) -> tuple[Any, int]:
    """The document of a recipe for its system as it is."""
    with tempfile.TemporaryDirectory() as folder, change_settings(results_dir=folder):
        return run(recipe, marks)


def differences(recipe, marks, changes) -> str:
    """Where the document of a system in another description differs from that of the system as it is."""
    (expected, size), (found, other_size) = reference(recipe, marks), run(recipe, marks, changes)
    but = NOT_THE_SAME.get(recipe.function, [])
    if any(name in {*CELLS, "sheared"} for name in changes):
        but = but + NOT_THE_SAME_IN_OTHER_CELLS.get(recipe.function, [])
    elif any("moments" in mark for mark in marks) and any(name.endswith(("_handed", "_vectors")) for name in changes):
        but = but + OF_A_MAGNET_WITH_OTHER_VECTORS.get(recipe.function, [])
    if recipe.function == "bulk_to_slabs_flow":
        expected, found = of_common_planes(expected, found)
    tolerance = TOLERANCES.get(recipe.function, 2e-4)
    return "\n".join(same(expected, found, tolerance, 2e-4, but, (size, other_size)))


def of_common_planes(first, other):
    """The documents of the planes that are in both: which are up to a Miller index depends on the cell."""

    def index(item):
        return tuple(item["atoms"].info["miller_index"] if "atoms" in item else item["miller_index"])

    common = {index(run) for run in first["relax"]} & {index(run) for run in other["relax"]}
    if len(common) < 2:
        raise NotACell("A cell that is sheared again and again has too few planes of the first up to an index.")
    return [
        {
            "bulk": document["bulk"],
            "relax": [run for run in document["relax"] if index(run) in common],
            "surfaces": [run for run in document["surface_energies"]["surfaces"] if index(run) in common],
        }
        for document in (first, other)
    ]


def check(recipe, marks, changes):
    """The document is that of the system as it is, or the input is refused for what it has or how it is described."""
    upside_down = [UPSIDE_DOWN] if {"held", "reversed_vectors"} <= {*marks, *changes} else []
    for said in (*marks, *changes, *upside_down):
        if why := REFUSED.get((recipe.function, said)):
            with pytest.raises((AdatomError, JobFailure, FlowFailure), match=why):
                run(recipe, marks, changes)
            return
    different = differences(recipe, marks, changes)
    assert not different, different


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("recipe", recipes("emt"))
def test_description(recipe, change, results_dir):
    check(recipe, (), [change])
    if (recipe.function, change) in REFUSED:
        assert not list(results_dir.rglob("JOB-*"))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("recipe", recipes("emt", of_a_crystal))
def test_cell(recipe, cell):
    check(recipe, (), [cell])


@pytest.mark.parametrize("marks", MARKED.values(), ids=MARKED)
@pytest.mark.parametrize("recipe", recipes("emt"))
def test_what_a_system_has(recipe, marks):
    check(recipe, marks, MIXED)


@pytest.mark.parametrize("marks", MARKED.values(), ids=MARKED)
@pytest.mark.parametrize("recipe", recipes("emt", of_a_crystal))
def test_what_a_system_has_in_another_cell(recipe, marks):
    check(recipe, marks, ["moved", "doubled"])


def test_a_slab_whose_surface_is_held(results_dir):
    """What the search found: the adsorbate stood on the layer that the user holds."""
    [recipe] = (recipe for recipe in recipes_of("emt") if recipe.function == "slab_to_ads_flow")
    check(recipe, ("held",), ["reversed_vectors"])
    assert not list(results_dir.rglob("JOB-*"))


@pytest.mark.parametrize("recipe", recipes("lj", not_from_a_saddle))
def test_lennard_jones(recipe):
    check(recipe, (), MIXED)


@pytest.mark.parametrize("recipe", recipes("lj", of_a_crystal))
def test_lennard_jones_in_another_cell(recipe):
    check(recipe, (), ["moved", "doubled"])


@pytest.mark.deep(reason="a search of an hour")
@pytest.mark.timeout(2 * 3600)
@needs_code("sella")
@settings(max_examples=6000, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(described("emt") + list(filter(not_from_a_saddle, described("lj")))),
    st.lists(st.sampled_from(sorted(MARKS)), unique=True, max_size=3),
    st.lists(st.sampled_from(sorted(ALL)), min_size=1, max_size=4, unique=True),  # three turns are none
)
def test_descriptions_of_descriptions(recipe, marks, changes):
    assume(of_a_crystal(recipe) or not any(name in CELLS for name in changes))
    assume(not any(two <= set(marks) for two in ({"moments", "vector_moments"}, {"held", "symmetry"})))
    # The surface of a slab is where its third vector points: with that reversed, it is the other side, if they differ.
    assume(recipe.function != "slab_to_ads_flow" or not marks or "reversed_vectors" not in changes)
    with tempfile.TemporaryDirectory() as folder, change_settings(results_dir=folder):
        try:
            check(recipe, tuple(marks), changes)
        except NotACell:
            assume(False)
        except (InputError, FlowFailure) as error:
            # Of some cells of a magnetic crystal spglib does not know the magnetic space group, and phonopy gives up.
            assume("spglib finds no symmetry" not in str(error))
            raise
