"""GPAW, in Debian's Python."""

from pathlib import Path

import pytest
from ase import Atoms
from ase.build import bulk

from adatom import JobFailure
from adatom.recipes.gpaw import static_job
from tests.codes import provide_code

SETTINGS = {"mode": {"name": "pw", "ecut": 200}, "kspacing": 0.9, "convergence": {"density": 1e-6}}


@pytest.fixture(autouse=True)
def _program():
    provide_code("gpaw")


def silicon(moved=(0.05, 0.02, -0.03)):
    crystal = bulk("Si")
    crystal.positions[1] += moved
    return crystal


def static(atoms, **more):
    return static_job(atoms, calc_kwargs={**SETTINGS, **more})


@pytest.mark.deep(reason="half a minute")
def test_forces_are_the_derivative_of_the_energy():
    force, step = static(silicon())["results"]["forces"][1, 0], 0.02
    energies = [static(silicon((0.05 + d, 0.02, -0.03)))["results"]["free_energy"] for d in (step, -step)]
    assert force == pytest.approx(-(energies[0] - energies[1]) / (2 * step), abs=0.01)  # the grid does not move


def test_the_energy_does_not_depend_on_the_description():
    """The same crystal by left-handed cell vectors, with atoms outside the cell."""
    crystal, same = silicon(), silicon()
    same.set_cell(same.cell.array[[1, 0, 2]])
    same.positions[0] += same.cell.array[0]
    one, other = (static(atoms)["results"] for atoms in (crystal, same))
    assert other["energy"] == pytest.approx(one["energy"], abs=2e-3)
    assert other["forces"] == pytest.approx(one["forces"], abs=0.02)


def test_moments_and_charges_reach_the_code():
    iron = bulk("Fe", a=2.8)
    iron.set_initial_magnetic_moments([2.0])
    assert static(iron)["results"]["magmom"] == pytest.approx(2.1, abs=0.4)  # μB; measured: 2.2
    iron.set_initial_magnetic_moments(None)
    assert abs(static(iron)["results"].get("magmom", 0)) < 1e-3
    hydrogen = Atoms("H2", [(0, 0, 0), (0, 0, 0.75)])
    hydrogen.center(vacuum=2)
    hydrogen.set_initial_charges([0.5, 0.5])
    text = (Path(static(hydrogen, kspacing=None)["dir_name"]) / "gpaw.txt").read_text()
    assert "Number of valence electrons: 1" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"maxiter": 2}, "ConvergenceError: The SCF of gpaw did not converge.*Raise maxiter"),
        ({"xc": "PBX"}, "ProgramError: gpaw raised NameError: Unknown functional: .PBX"),
        ({"setups": "none"}, "ProgramError: gpaw raised FileNotFoundError: .*Si.none.PBE"),
    ],
)
def test_a_failure_says_why_and_keeps_its_files(arguments, message):
    with pytest.raises(JobFailure, match=message) as caught:
        static(silicon(), **arguments)
    assert (Path(caught.value.failure.directory) / "gpaw.txt").exists()


@pytest.mark.parametrize(
    ("atoms", "arguments", "message"),
    [
        (silicon(), {"ecut": 200}, "Unknown argument of GPAW 'ecut'"),
        (silicon(), {"kpts": [2, 2, 2]}, r"kpts is \[2, 2, 2\], and kspacing is 0.9. Give one"),
        (Atoms("Si"), {}, "GPAW needs a cell of three vectors"),
    ],
)
def test_bad_input_is_refused(atoms, arguments, message):
    with pytest.raises(JobFailure, match=message):
        static(atoms, **arguments)
