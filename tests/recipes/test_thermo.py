import numpy as np
import pytest
from ase import units
from ase.build import bulk, molecule

from adatom import JobFailure, flow
from adatom.errors import InputError
from adatom.recipes.common.thermo import thermo_job
from adatom.recipes.emt import freq_job, relax_job


@pytest.fixture
def freq():
    return freq_job(relax_job(molecule("N2"), fmax=0.001)["atoms"], spin=1.0, temperature=400.0)


def test_the_same_conditions_give_the_same(freq):
    assert thermo_job(freq, temperature=400.0) == freq["thermo"]


def test_derivatives(freq):
    """-S is that of the Gibbs energy by the temperature, the volume kT/p that by the pressure."""

    def gibbs(**conditions):
        return thermo_job(freq, **conditions)["gibbs_energy"]

    slope = (gibbs(temperature=701.0) - gibbs(temperature=699.0)) / 2
    assert slope == pytest.approx(-thermo_job(freq, temperature=700.0)["entropy"], rel=1e-5)
    high, low = gibbs(pressure_bar=20.0), gibbs(pressure_bar=2.0)
    assert high - low == pytest.approx(units.kB * 298.15 * np.log(10))


def test_what_is_given_replaces_what_was_asked_for(freq):
    one, two = thermo_job(freq), thermo_job(freq, symmetry_number=1, spin=0.0)
    assert two["entropy"] - one["entropy"] == pytest.approx(units.kB * (np.log(2) - np.log(3)))
    assert thermo_job(freq, model="harmonic")["model"] == "harmonic"


@pytest.mark.parametrize("bad", [{"symmetry_number": 0}, {"symmetry_tolerance": 0}, {"model": ""}])
def test_zero_is_not_what_was_asked_for(freq, bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        thermo_job.fn(freq, **bad)


def test_a_spin_that_was_not_computed_is_refused():
    freq = freq_job(relax_job(molecule("O2"), fmax=0.001)["atoms"])
    assert freq["parameters"]["spin"] == freq["thermo"]["spin"] == thermo_job(freq, temperature=500.0)["spin"] == 1
    with pytest.raises(JobFailure, match="spin is 0, but the initial magnetic moments add up to 2"):
        thermo_job(freq, spin=0)


def test_a_crystal_stays_harmonic():
    crystal = freq_job(bulk("Cu", cubic=True))
    assert thermo_job(crystal, temperature=100.0)["model"] == "harmonic"


def test_imaginary_modes_are_refused_or_left_out():
    with pytest.warns(UserWarning, match="imaginary"):
        freq = freq_job(molecule("H2O"))
    with pytest.raises(JobFailure, match="vibrations are imaginary"):
        thermo_job(freq)
    assert thermo_job(freq, ignore_imaginary=True)["zpe"] > 0


def test_in_a_flow_at_several_temperatures():
    @flow
    def workflow(atoms):
        freq = freq_job(relax_job(atoms, fmax=0.001)["atoms"])
        return [thermo_job(freq, temperature=temperature) for temperature in (200.0, 400.0)]

    cold, hot = workflow(molecule("H2"))
    assert cold["entropy"] < hot["entropy"]
