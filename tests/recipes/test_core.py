"""What the jobs of all codes have in common, and the numbers of EMT and Lennard-Jones."""

import inspect
import pickle
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from adatom import FlowFailure, JobFailure, Remove, flow
from adatom.calculations import (
    run_irc,
    run_md,
    run_native_irc,
    run_native_relax,
    run_neb,
    run_optimize,
    run_saddle,
    run_static,
    run_vibrations,
    thermochemistry,
)
from adatom.errors import InputError
from adatom.recipes import emt, lj, tblite
from adatom.recipes.common import jobs as common

JOBS = ["static_job", "relax_job", "md_job", "freq_job"]
RUNNERS = {
    "static_job": [run_static],
    "relax_job": [run_optimize],
    "native_relax_job": [run_native_relax],
    "native_ts_job": [run_native_relax],
    "native_irc_job": [run_native_irc],
    "md_job": [run_md],
    "freq_job": [run_vibrations, thermochemistry],
    "neb_job": [run_neb],
    "ts_job": [run_saddle],
    "irc_job": [run_irc],
}
OF_REACTIONS = ["neb_job", "ts_job", "irc_job"]


@pytest.mark.parametrize(("code", "name"), [*product([emt, lj, tblite], JOBS), *product([emt, lj], OF_REACTIONS)])
def test_a_job_is_a_function_of_its_module(code, name):
    job = getattr(code, name)
    assert (job.__module__, job.__name__) == (code.__name__, name)
    assert pickle.loads(pickle.dumps(job)) is job
    assert code.__name__.encode() in pickle.dumps(job)
    parameters = inspect.signature(job).parameters
    assert list(parameters) == list(inspect.signature(getattr(common, name)).parameters)[1:]
    assert next(iter(parameters)) in ("atoms", "images")
    for parameter in parameters:
        assert f"\n{parameter}\n" in job.__doc__, f"{parameter} is not documented"
    assert "{" not in job.__doc__.replace("{path: names}", "")


@pytest.mark.parametrize("name", RUNNERS)
def test_defaults_are_those_of_the_runners(name):
    own = inspect.signature(getattr(common, name)).parameters
    checked = 0
    for runner in RUNNERS[name]:
        for key, parameter in inspect.signature(runner).parameters.items():
            if key in own and parameter.default is not parameter.empty and key != "model":
                assert own[key].default == parameter.default, key
                checked += 1
    assert checked >= 2


def test_emt_numbers():
    assert emt.static_job(bulk("Cu"))["results"]["energy"] == pytest.approx(-0.0056815, abs=5e-8)
    distorted = bulk("Cu") * (2, 2, 2)
    distorted.positions[0] += 0.1
    assert emt.static_job(distorted)["results"]["energy"] == pytest.approx(0.07001766638245854, rel=1e-6)
    assert emt.relax_job(distorted)["results"]["energy"] == pytest.approx(-0.045446842063617, rel=1e-6)


def test_the_plain_function_gives_the_same():
    plain, job = emt.static_job.fn(bulk("Al")), emt.static_job(bulk("Al"))
    assert plain["results"]["energy"] == job["results"]["energy"]


@pytest.mark.parametrize("name", ["N2", "H2"])
def test_vibrations_of_linear_molecules(name):
    relaxed = emt.relax_job(molecule(name))
    vib = emt.freq_job(relaxed["atoms"])
    assert len(vib["results"]["frequencies"]) == 1
    assert vib["thermo"]["geometry"] == "linear"
    assert vib["thermo"]["symmetry_number"] == 2
    assert vib["thermo"]["energy"] == pytest.approx(relaxed["results"]["energy"])


def test_thermochemistry_outside_a_minimum_is_left_out_with_a_warning():
    with pytest.warns(UserWarning, match="imaginary"):
        assert emt.freq_job(molecule("H2O"))["thermo"] is None
    assert emt.freq_job(molecule("H2O"), ignore_imaginary=True)["thermo"]["zpe"] > 0


def test_conditions_are_checked_before_the_vibrations(results_dir):
    with pytest.raises(InputError, match="temperature is -3"):
        emt.freq_job.fn(molecule("N2"), temperature=-3)
    assert not results_dir.exists()


@pytest.mark.parametrize(
    ("atoms", "arguments", "said"),
    [
        (bulk("Cu"), {"model": "ideal_gas"}, "molecule=True"),
        (molecule("N2"), {"model": "ideal_gas", "indices": [0]}, "leave indices"),
        (molecule("N2"), {"model": "harmonic", "spin": 1}, "spin is 1, but the harmonic model"),
        (bulk("Cu"), {"symmetry_number": 2}, "symmetry_number is 2, but the harmonic model"),
        (molecule("N2"), {"pressure_bar": 1e7}, "at most 1e6"),
        (molecule("N2"), {"spin": 0.5}, "spin of 0.5"),
        (molecule("O2"), {"spin": 0}, "spin is 0, but the initial magnetic moments add up to 2"),
    ],
)
def test_conditions_that_the_structure_cannot_have(atoms, arguments, said):
    with pytest.raises(InputError, match=said):
        emt.freq_job.fn(atoms, **arguments)


def test_the_model_follows_from_the_structure():
    assert emt.freq_job(bulk("Cu", cubic=True))["thermo"]["model"] == "harmonic"
    n2 = emt.relax_job(molecule("N2"))["atoms"]
    assert emt.freq_job(n2)["thermo"]["model"] == "ideal_gas"
    assert emt.freq_job(n2, model="harmonic")["thermo"]["model"] == "harmonic"


def test_md_is_seeded():
    atoms = bulk("Cu", cubic=True)
    one, two, other = (emt.md_job(atoms, temperature=300, steps=5, seed=seed)["atoms"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.positions, two.positions)
    assert not np.allclose(one.positions, other.positions)


def test_parameters_of_the_code_are_used_and_kept():
    argon = {"sigma": 3.4, "epsilon": 0.0104, "rc": 12.0}
    result = lj.static_job(Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 2 ** (1 / 6) * 3.4]]), calc_kwargs=argon)
    shift = 4 * 0.0104 * ((3.4 / 12) ** 12 - (3.4 / 12) ** 6)
    assert result["results"]["energy"] == pytest.approx(-0.0104 - shift)
    assert argon.items() <= result["parameters"]["calculator"].items()
    assert result["parameters"]["calculator"]["name"] == "LennardJones"


@pytest.mark.parametrize(
    ("atoms", "arguments", "said"),
    [
        (bulk("Fe"), {}, "EMT has no parameters for Fe.*knows: Ag, Al"),
        (bulk("Cu"), {"calc_kwargs": {"asap": True}}, "'asap'. Valid: asap_cutoff"),
        (Atoms(), {}, "no atoms"),
        ("Cu.cif", {}, "ase.io.read"),
    ],
)
@pytest.mark.parametrize("name", JOBS)
def test_bad_input_is_refused_without_a_calculation(name, atoms, arguments, said, results_dir):
    job = getattr(emt, name)
    with pytest.raises((InputError, JobFailure), match=said):
        job(atoms, **arguments)
    with pytest.raises(InputError, match=said):
        job.fn(atoms, **arguments)
    assert not list(results_dir.rglob("*.traj"))


def test_unconverged_shows_on_disk(results_dir):
    atoms = bulk("Cu") * (2, 2, 2)
    atoms.rattle(0.1, seed=1)
    with pytest.raises(JobFailure, match="forces above fmax"):
        emt.relax_job(atoms, max_steps=1)
    assert [path.name.startswith("failed-") for path in results_dir.glob("*JOB-*")] == [True]
    accepted = emt.relax_job(atoms, max_steps=1, allow_unconverged=True)
    assert accepted["converged"] is False
    assert (Path(accepted["dir_name"]) / "UNCONVERGED").exists()


def test_files_go_from_result_to_job():
    @flow
    def twice(atoms):
        first = emt.relax_job(atoms)
        return [first, emt.static_job(first["atoms"], copy_files=first)]

    first, second = twice(bulk("Cu"))
    assert (Path(second["dir_name"]) / "relax.traj").read_bytes() == Path(first["trajectory"]).read_bytes()


def test_a_failure_in_a_flow_names_the_element():
    @flow
    def both():
        return [emt.static_job(bulk(symbol)) for symbol in ("Cu", "Fe")]

    with pytest.raises(FlowFailure, match="no parameters for Fe"):
        both()


def test_remove_leaves_the_default_of_a_code_without_presets():
    atoms = bulk("Cu") * (2, 2, 2)
    atoms.positions[0] += 0.1
    plain, removed, other = (
        emt.static_job(atoms, calc_kwargs=kwargs)["results"]["energy"]
        for kwargs in ({}, {"asap_cutoff": Remove}, {"asap_cutoff": True})
    )
    assert plain == removed != other


def test_what_is_for_all_jobs_is_for_those_with_settings_of_their_own_too():
    """Else a slab is relaxed with one potential, and computed with another."""
    params = {"all": {"calc_kwargs": {"sigma": 3.4, "epsilon": 0.0104}}, "static_job": {"calc_kwargs": {"rc": 12.0}}}
    few = {"min_slab_size": 4.0, "min_length_width": None}
    result = lj.bulk_to_slabs_flow(bulk("Ar", a=5.26), slab_kwargs=few, job_params=params)
    relaxed, static = (result[kind][0]["parameters"]["calculator"] for kind in ("relax", "static"))
    assert [relaxed[key] for key in ("sigma", "epsilon", "rc")] == [3.4, 0.0104, pytest.approx(10.2)]
    assert [static[key] for key in ("sigma", "epsilon", "rc")] == [3.4, 0.0104, 12.0]
