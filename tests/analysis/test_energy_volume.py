"""The curve of a crystal, against copper's with EMT."""

import math

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from adatom.analysis.energy_volume import energy_volume_curve
from adatom.errors import InputError


def stretched():
    """The volumes and energies of copper with EMT."""
    volumes, energies = [], []
    for strain in np.linspace(-0.2, 0.2, 21):
        atoms = bulk("Cu", a=3.9)
        atoms.set_cell(atoms.cell * (1 + strain), scale_atoms=True)
        atoms.calc = EMT()
        volumes.append(atoms.get_volume())
        energies.append(atoms.get_potential_energy())
    return np.array(volumes), np.array(energies)


def test_the_known_answers_of_copper():
    found = energy_volume_curve(*stretched(), arena_compat=True)
    assert found["tortuosity"] == pytest.approx(1.2235, abs=1e-4)
    assert found["compression"] == pytest.approx(-0.7333, abs=1e-4)


def test_the_minimum_is_where_the_energy_is_lowest():
    volumes, energies = stretched()
    found = energy_volume_curve(volumes, energies)
    assert found["equilibrium_volume"] == volumes[energies.argmin()]
    assert found["tortuosity"] == pytest.approx(1)
    assert [found[key] for key in ("compression", "tension", "derivative_compression")] == pytest.approx([-1, 1, 1])
    assert (found["energy_flips"], found["missing"]) == (1, 0)
    assert found["energies"].min() == 0


def test_volumes_without_a_number_are_counted():
    volumes, energies = stretched()
    energies[[0, 20]] = np.inf, np.nan
    found = energy_volume_curve(volumes, energies)
    assert (found["missing"], len(found["energies"])) == (2, 19)
    energies[:] = np.nan
    assert math.isnan(energy_volume_curve(volumes, energies)["tension"])


def test_bad_points_are_refused():
    with pytest.raises(InputError, match="shapes of volumes, energies"):
        energy_volume_curve([1, 2, 3, 4, 5], [1, 2, 3, 4])
