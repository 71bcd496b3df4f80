"""Curves of two atoms, by the job that scans them."""

import numpy as np
import pytest
from ase.calculators.morse import MorsePotential
from ase.data import atomic_masses

from adatom.errors import InputError
from adatom.recipes import ase, emt, lj

MORSE = {"epsilon": 1.0, "r0": 2.2, "rho0": 6.0, "rcut1": 20.0, "rcut2": 21.0}


def test_a_morse_potential_on_the_grid_of_copper():
    """The figures that the protocol of MLIP Arena gives."""
    params = {"all": {"calculator": MorsePotential, "calc_kwargs": MORSE}}
    curve = ase.diatomic_flow("Cu", job_params=params)["curve"]
    assert len(curve["distances"]) == 618
    assert curve["distances"][[0, -1]] == pytest.approx([1.188, 7.378], abs=1e-3)
    assert curve["tortuosity"] == pytest.approx(1)
    assert curve["energy_jump"] == pytest.approx(0.004455, abs=1e-6)
    assert curve["energy_total_variation"] == pytest.approx(220.03533, abs=1e-4)
    assert (curve["energy_flips"], curve["force_flips"]) == (1, 1)
    ranks = [curve[key] for key in ("repulsion", "attraction", "force_repulsion", "force_attraction")]
    assert ranks == pytest.approx([-1, 1, -1, 1])


def test_two_elements_vibrate_with_their_reduced_mass():
    """The curvature of Lennard-Jones at its minimum is 72 epsilon / (2^(1/3) sigma²)."""
    sigma, epsilon = 2.5, 0.4
    params = {"all": {"calc_kwargs": {"sigma": sigma, "epsilon": epsilon, "rc": 30.0}}}
    distances = np.arange(2.0, 8.0, 0.005)
    found = {}
    for pair in (("O", "H"), ("O", None)):
        curve = lj.diatomic_flow(*pair, distances=distances, job_params=params)["curve"]
        masses = atomic_masses[[8, 1 if pair[1] else 8]]
        reduced = masses.prod() / masses.sum()
        curvature = 72 * epsilon / (2 ** (1 / 3) * sigma**2)
        found[pair] = curve["wave_number"]
        assert curve["wave_number"] == pytest.approx(521.47 * np.sqrt(curvature / reduced), rel=1e-3)
        assert curve["equilibrium_distance"] == pytest.approx(2 ** (1 / 6) * sigma, abs=1e-4)
    assert found["O", "H"] > 2 * found["O", None]


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="Xx"):
        emt.diatomic_flow("Xx")
    with pytest.raises(InputError, match="Give 5 or more"):
        emt.diatomic_flow("Cu", distances=[2.0, 3.0])
