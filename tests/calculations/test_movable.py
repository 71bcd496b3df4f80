import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, fcc111, molecule
from ase.calculators.emt import EMT
from ase.constraints import (
    FixAtoms,
    FixedMode,
    FixInternals,
    FixScaled,
    FixSymmetry,
    MirrorForce,
)

from adatom.atoms.freedoms import Freedoms
from adatom.calculations import run_md, sample_md
from adatom.calculations.motion import DYNAMICS, Motion
from adatom.errors import ConvergenceError, InputError

CLASSES = [name for name in DYNAMICS if name not in ("NVE", "NVT", "NPT")]
BAROSTATS = [name for name in CLASSES if DYNAMICS[name].ensemble == "NPT"]


class Untouched(EMT):
    """Fails if anything is computed."""

    def calculate(self, *args, **kwargs):
        raise AssertionError("something was computed")


def held(atoms, *constraints):
    atoms = atoms.copy()
    atoms.set_constraint(constraints)
    return atoms


def refuse(atoms, said, results_dir, **options):
    options = {"temperature": 300, "steps": 5, **options}
    with pytest.raises(InputError, match=said):
        run_md(atoms, Untouched(), **options)
    with pytest.raises(InputError, match=said):
        sample_md(atoms, Untouched(), rng=np.random.default_rng(1), **options)
    assert not results_dir.exists()


COPPER, WATER = bulk("Cu", cubic=True), molecule("H2O", vacuum=4)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize(
    "constraint",
    [
        FixSymmetry(COPPER),
        MirrorForce(0, 1, fmax=0.1),
        FixInternals(bonds=[[2.5, [0, 1]]]),
        FixedMode(np.eye(4, 3)),
    ],
    ids=lambda each: type(each).__name__,
)
def test_constraints_that_hold_no_velocities(name, constraint, results_dir):
    refuse(held(COPPER, constraint), f"constraint {type(constraint).__name__}", results_dir, dynamics=name)


def test_scaled_directions_in_a_slanted_cell(results_dir):
    slanted = held(bulk("Cu") * 2, FixScaled([0], [True, False, False]))
    refuse(slanted, "FixScaled holds no velocities in a cell", results_dir, dynamics="Bussi")
    sample_md(
        held(COPPER, FixScaled([0], [True, False, False])), EMT(), dynamics="Bussi", temperature=300, steps=2,
        rng=np.random.default_rng(1),
    )  # fmt: skip


@pytest.mark.parametrize("name", BAROSTATS)
def test_what_has_no_pressure(name, results_dir):
    slab = fcc111("Cu", (1, 1, 3), vacuum=5, periodic=False)
    refuse(slab, r"periodic along \[True, True, False\]", results_dir, dynamics=name)
    refuse(WATER, r"periodic along \[False, False, False\]", results_dir, dynamics=name)
    refuse(held(COPPER, FixAtoms([0])), "constraint FixAtoms", results_dir, dynamics=name)


def test_velocities_to_start_from(results_dir):
    refuse(COPPER, "those of the structure are zero", results_dir, dynamics="Bussi", keep_velocities=True)
    broken = COPPER.copy()
    broken.set_velocities(np.full((4, 3), np.nan))
    refuse(broken, "are not numbers", results_dir, dynamics="NVE", keep_velocities=True)
    refuse(held(COPPER, FixAtoms(range(4))), "leave no atom to move", results_dir)


@pytest.mark.parametrize("name", ["Langevin", "NVTBerendsen", "NPTBerendsen"])
def test_a_centre_of_mass_that_is_held_with_the_wrong_temperature(name, results_dir):
    refuse(COPPER, "ase.constraints.FixCom", results_dir, dynamics=name, dynamics_kwargs={"fixcm": True})


@pytest.mark.parametrize("timestep", [60, 300, 1e5])
@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_run_that_explodes_has_not_converged(name, timestep):
    options = {"dynamics": name, "temperature": 2000, "steps": 20, "timestep": timestep}
    for run in (run_md, sample_md):
        more = {"rng": np.random.default_rng(1)} if run is sample_md else {}
        with pytest.raises(ConvergenceError, match=rf"{name} of Cu4 went wrong: after step \d+ it is at .* K"):
            run(COPPER, EMT(), **options, **more)


@pytest.mark.parametrize("name", ["IsotropicMTKNPT", "MTKNPT"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_cell_that_explodes_within_a_step(name):
    """The mass of a barostat grows with the temperature: here it is too light for the pressure."""
    options = {"temperature": 1, "pressure": 50 * units.GPa, "timestep": 5.0, "steps": 50}
    with pytest.raises(ConvergenceError, match=rf"{name} of Cu4 went wrong: after step \d+ it is at nan K"):
        run_md(COPPER, EMT(), dynamics=name, dynamics_kwargs={"pdamp": 20 * units.fs}, **options)


def test_an_error_of_a_calculator_stays_what_it_is():
    class Broken(EMT):
        def calculate(self, *args, **kwargs):
            raise ValueError("no parameters")

    with pytest.raises(ValueError, match="no parameters"):
        run_md(COPPER, Broken(), temperature=300, steps=5)


def test_heat_that_was_asked_for_is_no_explosion():
    """A single fast atom, and a thermostat above the limit."""
    atom = Atoms("Cu", velocities=[[1.0, 0, 0]])
    assert run_md(atom, EMT(), steps=5)["results"]["temperature"] == pytest.approx(atom.get_masses()[0] / 3 / units.kB)
    hot = run_md(COPPER, EMT(), dynamics="Bussi", temperature=2e5, steps=3, timestep=0.01)
    assert hot["results"]["temperature"] > 2e4


# Motion, permuted, turned or seen from a left-handed cell, stays the same motion.


def turned(atoms):
    changed = atoms.copy()
    changed.rotate(37, (1, 2, 3), rotate_cell=True)
    matrix = np.linalg.solve(atoms.cell.array, changed.cell.array)
    changed.set_momenta(atoms.get_momenta() @ matrix)
    return changed


def permuted(atoms):
    return atoms[np.random.default_rng(3).permutation(len(atoms))]


def left_handed(atoms):
    changed = atoms.copy()
    changed.set_cell(atoms.cell.array[[1, 0, 2]])
    return changed


def mirrored(atoms):
    changed = atoms.copy()
    changed.set_cell(atoms.cell.array * [-1, 1, 1])
    changed.set_positions(atoms.positions * [-1, 1, 1])
    changed.set_momenta(atoms.get_momenta() * [-1, 1, 1])
    return changed


def moving(atoms):
    changed = atoms.copy()
    changed.set_momenta(atoms.get_momenta() + atoms.get_masses()[:, None] * [0.05, -0.02, 0.03])
    return changed


def warm():
    atoms = Atoms("AuCuCu2", COPPER.positions, cell=COPPER.cell, pbc=True)
    atoms.rattle(0.05, seed=2)
    Motion("NVE", 1, 1.0, 300.0, 0.0, False, None).set_velocities(atoms, np.random.default_rng(1))
    return atoms


@pytest.mark.parametrize("change", [turned, permuted, left_handed, mirrored, moving], ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", ["VelocityVerlet", "NoseHooverChainNVT", "NVTBerendsen", *BAROSTATS])
def test_the_same_motion_seen_otherwise(name, change):
    steps = 100 if name == "VelocityVerlet" else 10
    start = warm()
    seen = []
    for atoms in (start, change(start)):
        frames = sample_md(
            atoms, EMT(), dynamics=name, temperature=300, keep_velocities=True, steps=steps, timestep=4.0, every=5
        )
        assert frames[0].get_velocities() == pytest.approx(atoms.get_velocities(), abs=1e-12)
        heat = Freedoms(atoms, name)
        seen.append([[f.get_potential_energy(), heat.temperature(f.get_momenta()), f.get_volume()] for f in frames])
    assert np.ptp(np.array(seen[0])[:, 1]) > 10  # something happens
    np.testing.assert_allclose(seen[1], seen[0], rtol=1e-8, atol=1e-8)
