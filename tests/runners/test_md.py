import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.io import read

from adatom.errors import InputError, UnknownNameError
from adatom.runners import run_md
from adatom.runners.md import DYNAMICS


@pytest.fixture
def crystal():
    return bulk("Cu", cubic=True) * (2, 2, 2)


@pytest.mark.parametrize("name", DYNAMICS)
def test_every_dynamics_runs_and_repeats_itself(name, crystal):
    temperature = 300.0
    first, second = (
        run_md(crystal, EMT(), dynamics=name, temperature=temperature, steps=5, seed=7, interval=1) for _ in range(2)
    )
    assert first["atoms"].get_velocities() == pytest.approx(second["atoms"].get_velocities(), abs=0)
    other = run_md(crystal, EMT(), dynamics=name, temperature=temperature, steps=5, seed=8)
    assert not np.allclose(other["atoms"].positions, first["atoms"].positions, atol=1e-6)
    assert len(read(first["trajectory"], ":")) == 6
    assert first["parameters"]["ensemble"] == DYNAMICS[name].ensemble


def test_nve_conserves_energy_and_momentum(crystal):
    result = run_md(crystal, EMT(), temperature=600, steps=100, timestep=2.0, interval=5)
    frames = read(result["trajectory"], ":")
    total = [atoms.get_total_energy() for atoms in frames]
    kinetic = [atoms.get_kinetic_energy() for atoms in frames]
    assert np.ptp(total) < 0.02 * np.ptp(kinetic)
    assert result["results"]["kinetic_energy"] + result["results"]["energy"] == pytest.approx(total[-1])
    np.testing.assert_allclose(frames[-1].get_momenta().sum(axis=0), 0, atol=1e-10)


def test_the_time_step_is_in_fs():
    # No force acts on one atom alone, so it goes as far as its velocity takes it.
    atom = Atoms("Cu", positions=[[0, 0, 0]])
    atom.set_velocities([[0.3, 0, 0]])
    result = run_md(atom, EMT(), steps=10, timestep=0.5)
    assert result["atoms"].positions[0] == pytest.approx([0.3 * 10 * 0.5 * units.fs, 0, 0])


def test_first_velocities_have_the_temperature():
    atoms = bulk("Cu", cubic=True) * (4, 4, 4)
    result = run_md(atoms, EMT(), temperature=500, steps=1, interval=1)
    first = read(result["trajectory"], 0)
    assert first.get_temperature() == pytest.approx(500, rel=0.1)  # a standard deviation is 4 %
    np.testing.assert_allclose(first.get_momenta().sum(axis=0), 0, atol=1e-10)


@pytest.mark.parametrize("name", ["Langevin", "Bussi", "NVTBerendsen", "NoseHooverChainNVT"])
def test_thermostats_hold_the_temperature(name, crystal):
    fast = {
        "Langevin": {"friction": 0.05 / units.fs},
        "Bussi": {"taut": 20 * units.fs},
        "NVTBerendsen": {"taut": 20 * units.fs},
        "NoseHooverChainNVT": {"tdamp": 50 * units.fs},
    }[name]
    result = run_md(
        crystal, EMT(), dynamics=name, temperature=400, steps=300, timestep=4.0, interval=2, dynamics_kwargs=fast
    )
    temperatures = [atoms.get_temperature() for atoms in read(result["trajectory"], "50:")]
    assert np.mean(temperatures) == pytest.approx(400, rel=0.1)


def test_pressure_compresses(crystal):
    volumes = [
        run_md(crystal, EMT(), dynamics="NPTBerendsen", temperature=300, steps=60, timestep=4, pressure=pressure)[
            "atoms"
        ].get_volume()
        for pressure in (0.0, 20 * units.GPa)
    ]
    assert volumes[1] < 0.98 * volumes[0]


def test_velocities_can_be_kept(crystal):
    warm = run_md(crystal, EMT(), temperature=300, steps=3)["atoms"]
    on = run_md(warm, EMT(), dynamics="Bussi", temperature=900, keep_velocities=True, steps=1, interval=1)
    assert read(on["trajectory"], 0).get_velocities() == pytest.approx(warm.get_velocities())
    anew = run_md(warm, EMT(), dynamics="Bussi", temperature=900, steps=1, interval=1)
    assert read(anew["trajectory"], 0).get_temperature() > 2 * warm.get_temperature()


def test_fixed_atoms_stay(crystal):
    crystal.set_constraint(FixAtoms([0, 1]))
    result = run_md(crystal, EMT(), temperature=300, steps=5)
    np.testing.assert_array_equal(result["atoms"].positions[:2], crystal.positions[:2])
    assert not crystal.has("momenta")


def test_one_atom_does_not_crash():
    for name in DYNAMICS:
        assert np.isfinite(run_md(bulk("Cu"), EMT(), dynamics=name, temperature=300, steps=2)["results"]["temperature"])


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"dynamics": "langevin", "temperature": 300}, UnknownNameError, "Did you mean 'Langevin'"),
        ({"dynamics": "NVT"}, InputError, "Set temperature"),
        ({"temperature": -1}, InputError, "temperature is -1"),
        ({"timestep": 0}, InputError, "timestep is 0"),
        ({"steps": 1.5}, InputError, "steps is 1.5"),
        ({"interval": 0}, InputError, "interval is 0"),
        ({"seed": -1}, InputError, "seed is -1"),
        ({"pressure": 0.1}, InputError, "IsotropicMTKNPT"),
        ({"dynamics": "NPT", "temperature": 300, "pressure": float("nan")}, InputError, "pressure is nan"),
    ],
)
def test_bad_arguments_are_refused_before_a_directory_is_made(arguments, error, said, results_dir):
    with pytest.raises(error, match=said):
        run_md(bulk("Cu"), EMT(), **arguments)
    assert not results_dir.exists()
