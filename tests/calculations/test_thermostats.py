"""Statistics of the motion: freedoms have the same share of the energy, and the volume is that of the pressure."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms, FixBondLengths, FixCartesian, FixCom

from adatom.atoms.freedoms import Freedoms
from adatom.calculations import run_md, sample_md
from adatom.calculations.motion import DYNAMICS, Motion
from tests.deep import deep_but

LONG = "seconds of dynamics for each; one of each kind of thermostat runs by default"
CLASSES = [name for name in DYNAMICS if name not in ("NVE", "NVT", "NPT")]
THERMOSTATS = [name for name in CLASSES if DYNAMICS[name].ensemble == "NVT"]
BAROSTATS = [name for name in CLASSES if DYNAMICS[name].ensemble == "NPT"]
# Coupling so strong that a short run has many independent temperatures.
FAST = {
    "Langevin": {"friction": 0.03 / units.fs},
    "Bussi": {"taut": 25 * units.fs},
    "NVTBerendsen": {"taut": 50 * units.fs},
    "NoseHooverChainNVT": {"tdamp": 40 * units.fs},
    "IsotropicMTKNPT": {"tdamp": 40 * units.fs, "pdamp": 400 * units.fs},
    "MTKNPT": {"tdamp": 40 * units.fs, "pdamp": 400 * units.fs},
    "NPTBerendsen": {"taut": 50 * units.fs},
}
STRUCTURES = {
    "Cu2": Atoms("Cu2", [[0, 0, 0], [0, 0, 2.3]]),
    "Cu4": bulk("Cu", cubic=True),
    "Cu32": bulk("Cu", cubic=True) * (2, 2, 2),
}
FOUR = STRUCTURES["Cu4"]


def inner_temperatures(frames):
    """Temperatures of the motion relative to the centre of mass, counted here by hand."""
    found = []
    for frame in frames:
        velocities = frame.get_velocities()
        velocities -= frame.get_masses() @ velocities / frame.get_masses().sum()
        energy = frame.get_masses() @ (velocities**2).sum(axis=1) / 2
        found.append(2 * energy / (3 * len(frame) - 3) / units.kB)
    return np.array(found)


def mean_and_error(values, blocks=20):
    means = [block.mean() for block in np.array_split(np.asarray(values), blocks)]
    return np.mean(means), np.std(means, ddof=1) / np.sqrt(blocks)


def run(atoms, name, temperature=200, steps=1500, timestep=5.0, **options):
    return sample_md(
        atoms, EMT(), dynamics=name, temperature=temperature, steps=steps, timestep=timestep, every=2,
        rng=np.random.default_rng(5), dynamics_kwargs=FAST[name], **options,
    )[50:]  # fmt: skip


def momentum(atoms):
    return atoms.get_momenta().sum(axis=0)


TABLE = [f"{name} {size}" for name in FAST for size in STRUCTURES if name in THERMOSTATS or size != "Cu2"]
SHORT = ["Langevin Cu2", "Bussi Cu2", "NVTBerendsen Cu2", "NoseHooverChainNVT Cu4"]


@pytest.mark.parametrize("case", deep_but(SHORT, TABLE, LONG))
def test_the_inner_motion_has_the_temperature(case):
    name, size = case.split()
    frames = run(STRUCTURES[size], name, steps=1000)
    mean, error = mean_and_error(inner_temperatures(frames))
    assert mean == pytest.approx(200, abs=max(4 * error, 4))
    assert error < 20  # so that twice the temperature, or 4/3 of it, would be seen
    if name != "Langevin":
        np.testing.assert_allclose(momentum(frames[-1]), 0, atol=1e-8)
        return
    mass = frames[0].get_masses().sum()  # the centre of mass is hot in Langevin dynamics
    mean, error = mean_and_error([momentum(frame) @ momentum(frame) / mass / 3 / units.kB for frame in frames])
    assert mean == pytest.approx(200, abs=4 * error)
    assert error < 40


HELD = {
    "atoms": (FOUR, [FixAtoms([0])]),
    "directions": (FOUR, [FixCartesian([0, 1], [True, False, False])]),
    "plane": (FOUR, [FixCartesian(range(4), [False, False, True])]),
    "bond": (Atoms("Cu3", [[0, 0, 0], [0, 0, 2.4], [0, 2.1, 1.2]]), [FixBondLengths([(0, 1)])]),
    "centre": (FOUR, [FixCom()]),
}
KEPT = [f"{name} {held}" for name in THERMOSTATS for held in HELD]


@pytest.mark.parametrize("case", deep_but(["Bussi plane", "Langevin bond", "NoseHooverChainNVT atoms"], KEPT, LONG))
def test_constraints_take_freedoms(case):
    name, held = case.split()
    atoms, constraints = HELD[held]
    atoms = atoms.copy()
    atoms.set_constraint(constraints)
    freedoms = Freedoms(atoms, name)
    frames = run(atoms, name, steps=1000)
    mean, error = mean_and_error([freedoms.temperature(frame.get_momenta()) for frame in frames])
    assert mean == pytest.approx(200, abs=max(4 * error, 4))
    assert error < 25
    # The atoms that constraints leave alone have their share, too.
    free = [2, 3] if len(atoms) == 4 else [2]
    if held in ("atoms", "directions"):
        shares = [(frame.get_momenta()[free] ** 2).sum() / frame.get_masses()[0] / 6 / units.kB for frame in frames]
        mean, error = mean_and_error(shares)
        assert mean == pytest.approx(200, abs=max(5 * error, 4))


@pytest.mark.parametrize("name", ["VelocityVerlet", "Bussi", "Langevin"])
@pytest.mark.parametrize("held", ["free", "atoms", "plane", "bond", "centre"])
def test_first_velocities_have_the_expected_temperature(name, held):
    atoms, constraints = HELD.get(held, (STRUCTURES["Cu2"], []))
    atoms = atoms.copy()
    atoms.set_constraint(constraints)
    motion, rng, found = Motion(name, 10, 1.0, 300.0, 0.0, False, None), np.random.default_rng(1), []
    freedoms = motion.freedoms(atoms)
    for _ in range(400):
        motion.set_velocities(atoms, rng)
        found.append(2 * atoms.get_kinetic_energy() / freedoms.count / units.kB)
        if name != "Langevin":
            np.testing.assert_allclose(freedoms.drift(atoms.get_momenta()), 0, atol=1e-10)
    deviation = 300 * np.sqrt(2 / freedoms.count / len(found))
    assert np.mean(found) == pytest.approx(300, abs=4 * deviation)
    assert np.std(found) == pytest.approx(300 * np.sqrt(2 / freedoms.count), rel=0.3)  # of Maxwell and Boltzmann


@pytest.mark.deep(reason="test_the_same_motion_seen_otherwise finds the same motion, to the last digits")
@pytest.mark.parametrize("name", ["Bussi", "NVTBerendsen", "NoseHooverChainNVT"])
def test_a_structure_that_moves_keeps_its_velocity_and_is_not_hotter(name):
    atoms = FOUR.copy()
    Motion("NVE", 1, 1.0, 200.0, 0.0, False, None).set_velocities(atoms, np.random.default_rng(2))
    velocity = np.array([0.02, 0.0, -0.01])
    atoms.set_velocities(atoms.get_velocities() + velocity)
    frames = run(atoms, name, steps=1000, keep_velocities=True)
    mean, error = mean_and_error(inner_temperatures(frames))
    assert mean == pytest.approx(200, abs=max(4 * error, 4))
    np.testing.assert_allclose(momentum(frames[-1]) / atoms.get_masses().sum(), velocity, atol=1e-8)


@pytest.mark.deep(reason="a run of seconds at two pressures for each; that pressure compresses is tested by default")
@pytest.mark.parametrize("name", BAROSTATS)
def test_volumes_are_those_of_the_equation_of_state(name):
    """At 20 K a classical crystal has the volume of its least enthalpy, but for an expansion of 0.1 %."""
    atoms = STRUCTURES["Cu32"]
    energies, volumes = [], np.linspace(0.90, 1.03, 40) * atoms.get_volume()
    for volume in volumes:
        strained = atoms.copy()
        strained.set_cell(atoms.cell * (volume / atoms.get_volume()) ** (1 / 3), scale_atoms=True)
        strained.calc = EMT()
        energies.append(strained.get_potential_energy())
    curve = np.polynomial.Polynomial.fit(volumes, energies, 6)
    fine = np.linspace(volumes[0], volumes[-1], 20001)
    slow = {"pdamp": 5000 * units.fs}  # its mass grows with kT, and a light barostat is faster than the atoms
    options = FAST[name] | ({"taup": 400 * units.fs} if name == "NPTBerendsen" else slow)
    for pressure in (0.0, 5 * units.GPa):
        expected = fine[np.argmin(curve(fine) + pressure * fine)]
        start = atoms.copy()
        start.set_cell(atoms.cell * (1.003 * expected / atoms.get_volume()) ** (1 / 3), scale_atoms=True)
        frames = sample_md(
            start, EMT(), dynamics=name, temperature=20, pressure=pressure, steps=1000, timestep=5.0, every=5,
            rng=np.random.default_rng(4), dynamics_kwargs=options,
        )[40:]  # fmt: skip
        assert np.mean([frame.get_volume() for frame in frames]) == pytest.approx(expected, rel=0.003)


def test_results_count_as_the_thermostat_does():
    result = run_md(
        molecule("N2"), EMT(), dynamics="Bussi", temperature=300, steps=20, interval=1, dynamics_kwargs={"taut": 1.0}
    )
    last = result["atoms"]
    assert result["results"]["temperature"] == pytest.approx(inner_temperatures([last])[0])
    assert result["results"]["temperature"] == pytest.approx(2 * last.get_temperature())
    log = Path(result["trajectory"]).with_suffix(".log").read_text().splitlines()
    assert float(log[-1].split()[-1]) == pytest.approx(result["results"]["temperature"], abs=0.1)
