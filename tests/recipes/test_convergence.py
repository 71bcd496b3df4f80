import pytest
from ase.build import bulk

from adatom import FlowFailure, flow
from adatom.errors import InputError
from adatom.recipes.emt import relax_job
from adatom.recipes.lj import convergence_flow, static_job

RADII = [3.0, 4.0, 6.0, 8.0, 10.0, 12.0]


def energy(radius, **others):
    return static_job(bulk("Cu"), calc_kwargs={"rc": radius, **others})["results"]["energy"]


def test_the_cut_off_of_a_potential():
    out = convergence_flow(bulk("Cu"), {"calc_kwargs.rc": RADII}, tolerance=1e-3)
    convergence = out["convergence"]
    chosen = convergence["chosen"]["calc_kwargs.rc"]
    assert chosen == 10.0
    assert convergence["settled"] == {"calc_kwargs.rc": True}
    assert abs(energy(chosen) - energy(12.0)) < 1e-3 < abs(energy(8.0) - energy(12.0))
    assert [row["property"] for row in convergence["table"]] == pytest.approx([energy(radius) for radius in RADII])
    assert len(out["runs"]["calc_kwargs.rc"]) == len(RADII)


def test_a_property_that_does_not_settle_is_told():
    convergence = convergence_flow(bulk("Cu"), {"calc_kwargs.rc": RADII[:3]}, tolerance=1e-3)["convergence"]
    assert convergence["chosen"] == {"calc_kwargs.rc": 6.0}
    assert convergence["settled"] == {"calc_kwargs.rc": False}


def test_two_settings_and_the_jobs_own_defaults(results_dir):
    settings = {"calc_kwargs.rc": [6.0, 12.0], "calc_kwargs.ro": [3.0, 5.0]}
    out = convergence_flow(
        bulk("Cu"), settings, tolerance=1.0, job_params={"static_job": {"calc_kwargs": {"sigma": 1.1, "rc": 1.0}}}
    )
    energies = {row["setting"]: row["property"] for row in out["convergence"]["table"][::2]}
    assert energies["calc_kwargs.rc"] == pytest.approx(energy(6.0, sigma=1.1, ro=5.0))
    assert energies["calc_kwargs.ro"] == pytest.approx(energy(12.0, sigma=1.1, ro=3.0))
    assert len(list(results_dir.rglob("static.traj"))) == 2 + 3  # the last values of both are one run


def test_forces_of_each_atom():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=1)
    out = convergence_flow(atoms, {"calc_kwargs.rc": RADII}, property="results.forces", per_atom=False, tolerance=1e-4)
    assert out["convergence"]["table"][0]["property"].shape == (4, 3)
    differences = [row["difference"] for row in out["convergence"]["table"]]
    assert differences[-1] == 0 < differences[0]


def test_a_failed_value_is_named():
    out = convergence_flow(bulk("Cu"), {"calc_kwargs.rc": ["wide", 8.0, 12.0]}, tolerance=1e-2)
    [(where, why)] = out["convergence"]["failed"].items()
    assert where == "calc_kwargs.rc wide"
    assert "Error" in why
    assert out["convergence"]["chosen"] == {"calc_kwargs.rc": 8.0}
    with pytest.raises(FlowFailure, match="1 of 2 values gave a result, and two are needed"):
        convergence_flow(bulk("Cu"), {"calc_kwargs.rc": ["wide", 12.0]})


def test_another_job_and_another_property_in_another_flow():
    @flow
    def workflow(atoms):
        relaxed = relax_job(atoms, relax_cell=True)
        return convergence_flow(relaxed["atoms"], {"fmax": [1.0, 0.1, 0.01]}, static_job=relax_job, tolerance=10.0)

    assert workflow(bulk("Cu"))["convergence"]["chosen"] == {"fmax": 1.0}


@pytest.mark.parametrize(
    ("settings", "options", "message"),
    [
        ({}, {}, "Give two values or more of each"),
        ({"calc_kwargs.rc": [3.0]}, {}, "Give two values or more of each"),
        ({"calc_kwargs.rc": "high"}, {}, "Give two values or more of each"),
        ({"calc_kwargs.rc": RADII}, {"tolerance": 0}, "tolerance is 0"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(settings, options, message, results_dir):
    with pytest.raises(InputError, match=message):
        convergence_flow(bulk("Cu"), settings, **options)
    assert not list(results_dir.rglob("JOB-*"))


def test_a_property_that_is_not_there_is_named_with_those_there_are():
    with pytest.raises(FlowFailure, match="no 'enery' in the result. There: energies, energy, "):
        convergence_flow(bulk("Cu"), {"calc_kwargs.rc": RADII[:2]}, property="results.enery")
