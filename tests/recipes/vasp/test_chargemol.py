"""Charges by DDEC6 after runs of VASP, with programs that stand in for both."""

import os
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.neighborlist import neighbor_list

from adatom import JobFailure, change_settings
from adatom.errors import InputError
from adatom.recipes.vasp import static_job, vasp
from tests import standins

ROUGH = {"kspacing": 0.6}
DENSITIES = {"laechg": True, "lcharg": True}


@pytest.fixture
def chargemol(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    atoms = tmp_path / "atomic_densities"
    atoms.mkdir()
    (atoms / "c2_001_001_000_500_100.txt").touch()
    monkeypatch.setenv("DDEC6_ATOMIC_DENSITIES_DIR", str(atoms))
    return standins.install("chargemol", tmp_path)


def alloy():
    """Species that are not in VASP's order, and charges that tell each atom's place."""
    atoms = bulk("Cu", a=3.9, cubic=True)
    atoms.symbols[[0, 2]] = "Au"
    return atoms


def test_charges_and_bonds_are_in_the_order_of_the_atoms(chargemol):
    result = static_job(alloy(), calc_kwargs={**ROUGH, "chargemol": True})
    found = result["chargemol"]
    assert found["charges"] == pytest.approx([-0.4, 0.4, -0.4, 0.4], abs=0.1)
    assert found["charges"].sum() == pytest.approx(0, abs=1e-3)
    assert found["dipoles"].shape == (4, 3)
    assert "magmoms" not in found
    first, second, lengths, cells = neighbor_list("ijdS", alloy(), 3.2)
    expected = {(i, j, *cell): np.exp(-d) for i, j, d, cell in zip(first, second, lengths, cells, strict=True)}
    bonds = {(*bond["atoms"], *bond["cell"]): bond["order"] for bond in found["bonds"]}
    assert bonds.keys() == expected.keys()
    assert list(bonds.values()) == pytest.approx([expected[key] for key in bonds], abs=1e-5)
    assert found["bond_orders"] == pytest.approx(np.bincount(first, np.exp(-lengths)), abs=1e-5)
    left = {file.name for file in (Path(result["dir_name"]) / "chargemol").iterdir()}
    assert {"job_control.txt", "chargemol.out", "DDEC6_even_tempered_net_atomic_charges.xyz"} <= left
    assert not left & {"CHGCAR", "AECCAR0", "AECCAR2", "POTCAR"}
    assert "bader" not in result


def test_a_charged_cell_with_spin(chargemol):
    atoms = bulk("Ni", a=3.5, cubic=True)
    atoms.symbols[1] = "Cu"
    atoms.set_initial_magnetic_moments([0.6, 0.1, 0.6, -0.6])
    atoms.set_initial_charges([0.4, 0, 0, 0])
    result = static_job(atoms, calc_kwargs={**ROUGH, **DENSITIES})
    found = result["chargemol"]
    assert found["charges"].sum() == pytest.approx(0.4, abs=1e-3)
    assert found["magmoms"] == pytest.approx([0.6, 0.1, 0.6, -0.6], abs=0.08)
    assert "<net charge>\n0.400000\n" in (Path(result["dir_name"]) / "chargemol" / "job_control.txt").read_text()


def test_what_is_missed_before_anything_runs(chargemol, runs, monkeypatch):
    monkeypatch.delenv("DDEC6_ATOMIC_DENSITIES_DIR")
    with pytest.raises(InputError, match="no directory set for atomic_densities of chargemol. Set ADATOM_DATA_DIRS__"):
        vasp.calculator(bulk("Cu"), {"chargemol": True})
    assert "chargemol" not in static_job(bulk("Cu"), calc_kwargs={**ROUGH, **DENSITIES})
    assert runs() == 1
    chargemol.unlink()
    with pytest.raises(JobFailure, match="chargemol is not there.*ADATOM_COMMANDS__CHARGEMOL.*sourceforge"):
        static_job(bulk("Cu"), calc_kwargs={"chargemol": True})
    assert runs() == 1
    with pytest.raises(InputError, match="chargemol is not there"):
        vasp.calculator(bulk("Cu"), {"chargemol": True, "bader": False})


def test_names_of_its_builds_and_settings(chargemol, tmp_path, monkeypatch):
    built = chargemol.rename(tmp_path / "Chargemol_09_26_2017_linux_parallel")
    densities = tmp_path / "atomic_densities"
    monkeypatch.delenv("DDEC6_ATOMIC_DENSITIES_DIR")
    with change_settings(commands={"chargemol": str(built)}, data_dirs={"chargemol": str(densities)}):
        found = vasp.calculator(bulk("Cu"), {"chargemol": True})
    assert found.divisions == {"bader": None, "chargemol": True}


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ("chargemol", "(?s)chargemol ended with exit status 1.*Could not find a suitable reference density"),
        ("short", "its files in .* are not whole: charges of 3 of 4 atoms"),
    ],
)
def test_a_failure_loses_nothing_else(chargemol, failure, message, monkeypatch):
    monkeypatch.setenv(standins.FAILURE, failure)
    with pytest.warns(UserWarning, match=message):
        result = static_job(alloy(), calc_kwargs={**ROUGH, "chargemol": True})
    assert result["results"]["energy"]
    assert list(result["chargemol"]) == ["error"]
