"""Bader's charges after runs of VASP, with programs that stand in for both."""

import os
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

from adatom import JobFailure
from adatom.errors import InputError
from adatom.recipes.vasp import freq_job, relax_job, static_job, vasp
from tests import standins
from tests.standins.vasp import VALENCE

DENSITIES = {"laechg": True, "lcharg": True}
ROUGH = {"kspacing": 0.6}


@pytest.fixture
def bader(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return standins.install("bader", tmp_path)


def alloy():
    """Species that are not in VASP's order, and charges that tell each atom's place."""
    atoms = bulk("Cu", a=3.9, cubic=True)
    atoms.symbols[[0, 2]] = "Au"
    return atoms


def times(program):
    noted = program.with_name("bader.runs")
    return noted.read_text().count("run") if noted.exists() else 0


def test_the_electrons_of_each_atom(bader):
    result = static_job(alloy(), calc_kwargs={**ROUGH, "bader": True})
    found = result["bader"]
    assert found["charges"] == pytest.approx([-0.4, 0.4, -0.4, 0.4], abs=0.1)
    assert found["electrons"] == pytest.approx(VALENCE["Au"] - found["charges"])
    assert found["volumes"].sum() == pytest.approx(alloy().cell.volume, abs=1e-4)
    assert found["total_electrons"] == pytest.approx(44, abs=1e-3)
    assert (found["vacuum_electrons"], found["vacuum_volume"]) == (0, 0)
    assert "magmoms" not in found
    left = Path(result["dir_name"]) / "bader"
    assert {file.name for file in left.iterdir()} == {"ACF.dat", "bader.out", "bader.err"}
    assert times(bader) == 1


def test_moments_of_the_basins(bader):
    atoms = bulk("Ni", a=3.5, cubic=True)
    atoms.symbols[1] = "Cu"
    atoms.set_initial_magnetic_moments([0.6, 0.1, 0.6, -0.6])
    atoms.set_initial_charges([0.4, 0, 0, 0])
    found = static_job(atoms, calc_kwargs={**ROUGH, **DENSITIES})["bader"]
    assert found["magmoms"] == pytest.approx([0.6, 0.1, 0.6, -0.6], abs=0.08)
    assert found["charges"] == pytest.approx(np.full(4, 0.1), abs=0.1)
    assert found["charges"].sum() == pytest.approx(0.4, abs=1e-3)
    assert times(bader) == 2


def test_where_there_are_none(bader):
    for arguments in ({**DENSITIES, "bader": False}, {"laechg": True}):
        assert "bader" not in static_job(bulk("Cu"), calc_kwargs={**ROUGH, **arguments})
    assert times(bader) == 0
    bader.unlink()
    assert "bader" not in static_job(bulk("Cu"), calc_kwargs={**ROUGH, **DENSITIES})


@pytest.mark.deep(reason="vibrations are many runs")
def test_a_relaxation_has_those_of_its_end_and_vibrations_have_none(bader):
    atoms = alloy()
    atoms.rattle(0.05, seed=1)
    result = relax_job(atoms, fmax=0.1, calc_kwargs={**ROUGH, "bader": True})
    assert result["bader"]["charges"] == pytest.approx([-0.4, 0.4, -0.4, 0.4], abs=0.1)
    assert times(bader) == 1
    assert "bader" not in freq_job(bulk("Cu"), calc_kwargs={**ROUGH, **DENSITIES})


def test_it_is_missed_before_anything_runs(runs):
    with pytest.raises(InputError, match="bader is not there.*ADATOM_COMMANDS__BADER.*henkelman"):
        vasp.calculator(bulk("Cu"), {"bader": True})
    with pytest.raises(JobFailure, match="bader is not there"):
        static_job(bulk("Cu"), calc_kwargs={"bader": True})
    assert runs() == 0


def test_the_density_is_needed(bader):
    with pytest.raises(InputError, match="bader=True needs the densities, and lcharg is False"):
        vasp.calculator(bulk("Cu"), {"bader": True, "lcharg": False})


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ("bader", "(?s)bader ended with exit status 1.*GRIDS DIFFER"),
        pytest.param("acf", "ACF.dat in .* is not whole: 0 of 1", marks=pytest.mark.deep(reason="one is enough")),
    ],
)
def test_a_failure_of_bader_loses_nothing_else(bader, failure, message, monkeypatch):
    monkeypatch.setenv(standins.FAILURE, failure)
    with pytest.warns(UserWarning, match=message):
        result = static_job(bulk("Cu"), calc_kwargs={**ROUGH, "bader": True})
    assert result["results"]["energy"]
    assert list(result["bader"]) == ["error"]
