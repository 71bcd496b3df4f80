import re

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.io import read
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

from adatom.calculations import run_md
from adatom.calculations.md import DYNAMICS
from adatom.errors import IncompleteError, InputError, UnknownNameError
from adatom.execution import deadline
from tests.deep import deep_but

STATISTICS = "seconds of dynamics for each; every one runs, repeats itself and is resumed by default"


class Cut(EMT):
    """EMT during a call of which someone asks the process to stop."""

    name = "emt"

    def __init__(self, asks_at=None):
        super().__init__()
        self.asks_at, self.calls = asks_at, 0

    def calculate(self, *args, **kwargs):
        self.calls += 1
        if self.calls == self.asks_at:
            deadline.request_stop("SIGTERM was received")
        super().calculate(*args, **kwargs)


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


@pytest.mark.parametrize(
    "name", deep_but(["Bussi"], ["Langevin", "Bussi", "NVTBerendsen", "NoseHooverChainNVT"], STATISTICS)
)
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


@pytest.mark.deep(reason="it does so in test_pressure_goes_from_knot_to_knot, too")
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


@pytest.mark.parametrize(
    "name", deep_but(["Langevin"], [name for name, row in DYNAMICS.items() if row.set_temperature], STATISTICS)
)
def test_temperature_goes_from_knot_to_knot(name, crystal):
    fast = {"taut": 20 * units.fs} if name != "Langevin" and name != "NVT" else {"friction": 0.05 / units.fs}
    heated = run_md(
        crystal, EMT(), dynamics=name, temperature=[200, 1000, 1000], steps=300, timestep=4.0, interval=2,
        dynamics_kwargs=fast,
    )  # fmt: skip
    temperatures = [atoms.get_temperature() for atoms in read(heated["trajectory"], ":")]
    assert np.mean(temperatures[-50:]) == pytest.approx(1000, rel=0.15)
    assert np.mean(temperatures[25:50]) == pytest.approx(600, rel=0.25)
    assert heated["parameters"]["temperature"] == [200, 1000, 1000]


def test_pressure_goes_from_knot_to_knot(crystal):
    def volumes(pressure):
        options = {"taup": 200 * units.fs}
        result = run_md(
            crystal, EMT(), dynamics="NPTBerendsen", temperature=300, steps=200, timestep=4, pressure=pressure,
            interval=20, dynamics_kwargs=options,
        )  # fmt: skip
        return [atoms.get_volume() for atoms in read(result["trajectory"], ":")]

    up_and_down = volumes([0.0, 20 * units.GPa, 0.0])
    assert min(up_and_down) < 0.93 * up_and_down[0]
    assert up_and_down[-1] > 1.02 * min(up_and_down)


@pytest.mark.parametrize("name", ["Langevin", "Bussi", "NPTBerendsen"])
def test_a_ramp_goes_on_where_it_was_cut(name, crystal, monkeypatch):
    monkeypatch.setattr(deadline, "_requested", None)
    options = {"dynamics": name, "temperature": [100, 900], "timestep": 4.0, "interval": 5}
    whole = run_md(crystal, EMT(), steps=40, **options)
    with pytest.raises(IncompleteError, match=r"stopped after \d of 40 steps") as stopped:
        run_md(crystal, Cut(asks_at=8), steps=40, **options)
    monkeypatch.setattr(deadline, "_requested", None)
    directory = re.search(r"resume_from='(.*?)'", str(stopped.value))[1]
    rest = run_md(crystal, Cut(), steps=40, **options, resume_from=directory)
    assert rest["atoms"].positions == pytest.approx(whole["atoms"].positions, abs=1e-9)
    with pytest.raises(InputError, match="steps of the knots is 60, not 40"):
        run_md(crystal, Cut(), steps=60, **options, resume_from=directory)


def test_averages_are_those_of_the_trajectory(crystal):
    result = run_md(crystal, EMT(), temperature=300, steps=50, timestep=5.0, interval=5)
    frames = read(result["trajectory"], ":")
    averages = result["averages"]
    assert averages["structures"] == len(frames) == 11
    assert averages["energy"] == pytest.approx(np.mean([atoms.get_potential_energy() for atoms in frames]))
    by_all_freedoms = np.mean([atoms.get_temperature() for atoms in frames])
    assert averages["temperature"] == pytest.approx(by_all_freedoms * 32 / 31)  # the centre of mass is at rest
    assert averages["volume"] == pytest.approx(crystal.get_volume())
    assert run_md(Atoms("Cu2", [[0, 0, 0], [2.5, 0, 0]]), EMT(), steps=2, interval=1)["averages"]["volume"] is None


def test_the_drift_is_what_friction_takes_out(crystal):
    """Energy that leaves at a known rate: dE/dt = -2 gamma E_kin, for a bath at almost 0 K and no forces."""

    class Free(EMT):
        def calculate(self, *args, **kwargs):
            super().calculate(*args, **kwargs)
            self.results.update(energy=0.0, forces=np.zeros((len(self.atoms), 3)))

    MaxwellBoltzmannDistribution(crystal, temperature_K=1000, rng=np.random.default_rng(1))
    gamma = 1e-4  # per fs; the loss in the run is small, so that a line fits it
    result = run_md(
        crystal, Free(), dynamics="Langevin", temperature=1e-6, keep_velocities=True, steps=100, timestep=1.0,
        interval=10, dynamics_kwargs={"friction": gamma / units.fs},
    )  # fmt: skip
    rate = -2 * gamma * 1000 * result["averages"]["kinetic_energy"] / len(crystal)  # eV per atom and ps
    assert result["averages"]["drift"] == pytest.approx(rate, rel=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dynamics": "NPT", "temperature": [300, 600]}, "NPT keeps one. These go through several: Bussi, Langevin"),
        ({"temperature": [300, 600]}, "NVE keeps one"),
        ({"dynamics": "NVT", "temperature": [300, 0]}, r"temperature is \[300, 0\]"),
        ({"dynamics": "NVT", "temperature": []}, r"temperature is \[\]"),
        ({"dynamics": "NVT", "temperature": 300, "pressure": [0, 1]}, "at constant volume"),
        ({"dynamics": "NPTBerendsen", "temperature": 300, "pressure": ["high"]}, "pressure is"),
    ],
)
def test_knots_that_cannot_be_gone_through(options, message, crystal):
    with pytest.raises(InputError, match=message):
        run_md(crystal, EMT(), **options)


@pytest.mark.parametrize("pressure", [2.0, [0.0, -2.0]])
def test_a_pressure_that_is_rather_in_gpa_is_said(pressure):
    with pytest.warns(
        UserWarning, match=r"2 eV/Å³, which is -?320 GPa. If it is one in GPa, give -?2 \* ase.units.GPa"
    ):
        run_md(bulk("Cu", cubic=True), EMT(), dynamics="NPTBerendsen", temperature=10, pressure=pressure, steps=1)
