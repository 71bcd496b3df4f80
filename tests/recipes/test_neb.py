import numpy as np
import pytest
from ase import Atoms
from ase.build import add_adsorbate, fcc100
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.mep import NEB, NEBTools
from ase.optimize import BFGS, FIRE

from adatom import FlowFailure, JobFailure, flow, job
from adatom.errors import InputError, UnknownNameError
from adatom.recipes.emt import neb_flow, neb_job, relax_job
from adatom.recipes.lj import neb_flow as lj_neb_flow
from adatom.recipes.lj import relax_job as lj_relax_job


def adatom(element, shift=0.0):
    """An adatom on a hollow site of Al(100), or `shift` of the way to the next."""
    slab = fcc100("Al", (2, 2, 3), vacuum=4.0, periodic=True)
    add_adsorbate(slab, element, 1.7, "hollow")
    slab.positions[-1, 0] += shift * slab.cell[0, 0] / 2
    slab.set_constraint(FixAtoms(mask=slab.get_tags() > 1))
    return slab


def test_the_hop_of_an_adatom():
    """Against ASE by hand, and ASE's tutorial of surface diffusion."""
    result = neb_flow(adatom("Au"), adatom("Au", 1.0), job_params={"neb_job": {"fmax": 0.02}})
    images = [adatom("Au") for _ in range(6)] + [adatom("Au", 1.0)]
    for image in images:
        image.calc = EMT()
    for end in (images[0], images[-1]):
        BFGS(end, logfile=None).run(fmax=0.01)
    band = NEB([images[0], *(images[0].copy() for _ in range(5)), images[-1]], climb=True, method="improvedtangent")
    for image in band.images[1:-1]:
        image.calc = EMT()
    band.interpolate("idpp", mic=True)
    FIRE(band, logfile=None).run(fmax=0.02)
    by_hand, reaction_energy = NEBTools(band.images).get_barrier(fit=False)

    path = result["path"]
    assert path["forward_barrier"] == pytest.approx(by_hand, abs=1e-6)
    assert path["reverse_barrier"] == pytest.approx(path["forward_barrier"], abs=1e-4)  # the sites are alike
    assert path["reaction_energy"] == pytest.approx(reaction_energy, abs=1e-6)
    assert path["highest"] == 3
    assert path["forward_barrier"] == pytest.approx(0.374, abs=1e-3)
    assert [run["name"] for run in result["relax"]] == ["relax"] * 2
    assert result["neb"]["converged"] is True


def test_ends_that_were_relaxed_are_taken_as_they_are():
    ends = [relax_job(adatom("Al", shift))["atoms"] for shift in (0.0, 1.0)]
    given = neb_flow(*ends, relax_endpoints=False, images=3)
    assert given["relax"] == []
    whole = neb_flow(adatom("Al"), adatom("Al", 1.0), images=3)
    assert given["path"]["energies"] == pytest.approx(whole["path"]["energies"], abs=1e-6)
    assert len(given["path"]["energies"]) == 5


def test_in_another_flow_with_a_future_and_parameters_of_its_jobs():
    @flow
    def workflow():
        first = relax_job(adatom("Al"))
        return neb_flow(first["atoms"], adatom("Al", 1.0), images=1, job_params={"neb_job": {"fmax": 0.2}})

    result = workflow()
    assert result["neb"]["parameters"]["fmax"] == 0.2
    assert len(result["path"]["energies"]) == 3


@pytest.mark.parametrize(
    ("asked", "climb"), [({}, True), ({"job_params": {"neb_job": {"climb": False}}}, False), ({"climb": False}, False)]
)
def test_what_is_said_of_the_band_counts(asked, climb):
    jobs = {"neb_job": {"fmax": 0.5, **asked.get("job_params", {}).get("neb_job", {})}}
    result = neb_flow(adatom("Al"), adatom("Al", 1.0), images=1, **{**asked, "job_params": jobs})
    assert result["neb"]["parameters"]["climb"] is climb


@job
def fails_when_moved(atoms):
    if atoms.positions[-1, 0] > 4:
        raise ValueError("no SCF")
    return relax_job(atoms)


def test_an_end_that_fails_is_named_and_the_other_is_there():
    with pytest.raises(FlowFailure, match="no SCF") as error:
        neb_flow(adatom("Al"), adatom("Al", 1.0), relax_job=fails_when_moved)
    first, second = error.value.value["relax"]
    assert first["converged"] is True
    assert second.message == "no SCF"


def test_ends_that_relax_into_one_minimum_are_refused():
    with pytest.raises(FlowFailure, match="they were relaxed into one"):
        neb_flow(adatom("Al"), adatom("Al", 0.1))


@pytest.mark.parametrize(
    ("final", "changes", "error", "said"),
    [
        (adatom("Au"), {}, InputError, "same structure"),
        (adatom("Al", 1.0), {}, InputError, "these are Al12Au and Al13"),
        (adatom("Au", 1.0), {"method": "spline"}, UnknownNameError, "'spline'.*Valid: idpp, linear"),
        (adatom("Au", 1.0), {"images": 0}, InputError, "images is 0"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(final, changes, error, said, results_dir):
    with pytest.raises(error, match=said):
        neb_flow(adatom("Au"), final, **changes)
    assert not list(results_dir.rglob("JOB-*"))


def test_an_atom_that_the_code_does_not_know():
    with pytest.raises(JobFailure, match="no parameters for Fe"):
        neb_job([Atoms("Fe", positions=[[x, 0, 0]]) for x in range(3)])


def test_a_tetrahedron_turns_inside_out():
    """Four Lennard-Jones atoms: the way to the mirror image that keeps the symmetry leads through a square."""
    corners = 2 ** (1 / 6) * np.array([[1, 0, 1], [-1, 0, 1], [0, 1, 0], [0, -1, 0]]) / 2 * [1, 1, np.sqrt(2)]
    tetrahedron, mirrored, square = (
        Atoms("Ar4", positions=corners * [1, 1, z], cell=[60] * 3, pbc=True) for z in (1, -1, 0)
    )
    jobs = {"all": {"calc_kwargs": {"rc": 20.0}}}
    path = lj_neb_flow(tetrahedron, mirrored, job_params=jobs)["path"]
    low, high = (lj_relax_job(atoms, **jobs["all"])["results"]["energy"] for atoms in (tetrahedron, square))
    assert path["forward_barrier"] == pytest.approx(high - low, abs=1e-3)
    assert path["reverse_barrier"] == pytest.approx(path["forward_barrier"], abs=1e-3)
