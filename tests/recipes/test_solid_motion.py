"""Vibrations and dynamics with the codes for crystals that run here."""

from typing import Any

import numpy as np
import pytest
from ase.build import bulk
from ase.io import read

from adatom.recipes import abinit, elk, gpaw
from tests.codes import provide_code

pytestmark = pytest.mark.deep(reason="dozens of energies by density functionals take minutes")

OF_SILICON: dict[Any, dict[str, Any]] = {
    abinit: {"pps": "hgh", "ecut": 300, "kpts": [3, 3, 3]},
    elk: {"kpts": [3, 3, 3]},
    gpaw: {"mode": {"name": "pw", "ecut": 250}, "xc": "LDA", "kpts": [4, 4, 4], "convergence": {"density": 1e-6}},
}


def name(module) -> str:
    return module.__name__.rpartition(".")[2]


@pytest.mark.parametrize("module", OF_SILICON, ids=name)
def test_the_optical_phonon_and_the_dynamics_of_silicon(module):
    """Its frequency at Γ is 15.5 THz by experiment and in LDA; the energy is constant while it vibrates."""
    provide_code(name(module))
    settings = OF_SILICON[module]
    crystal = bulk("Si", a=5.4)
    vibrations = module.freq_job(crystal, calc_kwargs=settings)
    optical = vibrations["results"]["frequencies"][-3:]  # cm⁻¹
    assert optical == pytest.approx(517, rel=0.05)
    assert np.ptp(optical) < 5
    moved = crystal.copy()
    moved.positions[1] += 0.05
    run = module.md_job(moved, steps=4, timestep=4, interval=1, calc_kwargs=settings)
    energies = [(image.get_potential_energy(), image.get_kinetic_energy()) for image in read(run["trajectory"], ":")]
    assert max(kinetic for _, kinetic in energies) > 0.02
    assert np.ptp([sum(both) for both in energies]) < 0.003
