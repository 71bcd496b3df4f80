"""Averages of Widom's method, where they are known."""

import numpy as np
import pytest
from ase import units

from adatom.analysis.widom import adsorption
from adatom.errors import InputError

T = 300.0
KT = units.kB * T
MASS, VOLUME = 100.0, 2000.0
#: Coefficient of an ideal gas in mol/kg/Pa: molecules per volume at 1 Pa, by kilograms per volume.
IDEAL = (1 / (units._k * T) / units._Nav) * (VOLUME * 1e-30) / (MASS * units._amu)


def averages(energies):
    return adsorption(energies, T, MASS, VOLUME)


def test_an_ideal_gas():
    found = averages(np.zeros(10))
    assert found["henry_coefficient"] == pytest.approx(IDEAL, rel=1e-12)
    assert found["averaged_interaction_energy"] == 0
    assert found["heat_of_adsorption"] == pytest.approx(8.314462618e-3 * T, rel=1e-5)
    assert found["henry_coefficient_error"] == found["heat_of_adsorption_error"] == 0
    assert found["effective_insertions"] == pytest.approx(10)


@pytest.mark.parametrize("depth", [0.3, -0.2, 25.0])
def test_one_kind_of_pore(depth):
    """A fifth of the places are equal, and the others have no room."""
    found = averages([-depth] * 20 + [np.inf] * 80)
    with np.errstate(over="ignore"):
        assert found["henry_coefficient"] == pytest.approx(0.2 * np.exp(depth / KT) * IDEAL, rel=1e-9)
    assert found["averaged_interaction_energy"] == pytest.approx(-depth)
    assert found["averaged_interaction_energy_error"] == pytest.approx(0, abs=1e-12)
    assert found["heat_of_adsorption"] == pytest.approx((depth + KT) * 96.4853, rel=1e-5)
    assert found["effective_insertions"] == pytest.approx(20)
    if depth < 1:  # a binomial distribution, of which the variance is that of a sample
        error = np.sqrt(0.2 * 0.8 / 99) / 0.2
        assert found["henry_coefficient_error"] == pytest.approx(error * found["henry_coefficient"], rel=1e-9)


def test_errors_are_those_of_other_samples():
    """Of energies with a normal distribution both averages are known, and estimates scatter by their errors."""
    mean, width = -0.05, 1.0 * KT
    rng = np.random.default_rng(1)
    samples = [averages(rng.normal(mean, width, 1000)) for _ in range(400)]
    expected = {
        "henry_coefficient": IDEAL * np.exp(-mean / KT + (width / KT) ** 2 / 2),
        "averaged_interaction_energy": mean - width**2 / KT,
        "heat_of_adsorption": (KT - mean + width**2 / KT) * 96.4853,
    }
    for name, value in expected.items():
        estimates = np.array([one[name] for one in samples])
        errors = np.array([one[f"{name}_error"] for one in samples])
        assert estimates.mean() == pytest.approx(value, rel=0.01)
        assert estimates.std() == pytest.approx(errors.mean(), rel=0.12)


def test_what_failed_does_not_count():
    energies = [-0.1, 0.2, np.inf, 0.05]
    assert averages([*energies, np.nan, np.nan]) == averages(energies)


def test_a_hole_outweighs_all():
    found = averages([*np.zeros(999), -3.0])
    assert found["effective_insertions"] == pytest.approx(1)
    assert found["averaged_interaction_energy"] == pytest.approx(-3)


@pytest.mark.parametrize("energies", [[], [np.nan], [np.inf, np.nan], [0.0, -np.inf]])
def test_no_averages(energies):
    with pytest.raises(InputError, match="Insert more molecules"):
        averages(energies)


def test_one_insertion_has_no_error():
    found = averages([0.1])
    assert found["averaged_interaction_energy"] == pytest.approx(0.1)
    assert np.isnan(found["henry_coefficient_error"])
