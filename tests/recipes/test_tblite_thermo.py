"""Thermochemistry of molecules with tblite: ions, radicals, isotopes, and molecules in a cell."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import molecule

from adatom import JobFailure
from adatom.recipes.common.thermo import thermo_job
from adatom.recipes.tblite import freq_job, relax_job, ts_flow
from adatom.schemas.metadata import document
from tests.codes import needs_code

pytestmark = needs_code("tblite")

J_PER_MOL = units.J / units.mol
OH = Atoms("OH", positions=[[0, 0, 0], [0, 0, 0.97]])
AMMONIUM = Atoms(
    "NH4", positions=np.vstack([[0, 0, 0], 0.6 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])])
)


def vibrations(atoms, charge=0, **arguments):
    calc_kwargs = {"charge": charge}
    relaxed = relax_job(atoms, fmax=0.001, calc_kwargs=calc_kwargs)["atoms"]
    return freq_job(relaxed, calc_kwargs=calc_kwargs, **arguments)


@pytest.mark.parametrize(
    ("atoms", "charge", "spin", "group", "number"),
    [
        (OH, 0, 0.5, "C*v", 1),
        (OH, -1, 0, "C*v", 1),
        (AMMONIUM, 1, 0, "Td", 12),
        (molecule("CH3"), 0, 0.5, "D3h", 6),
        (molecule("NO2"), 0, 0.5, "C2v", 2),
        (molecule("H"), 0, 0.5, "Kh", 1),
    ],
)
def test_radicals_and_ions(atoms, charge, spin, group, number):
    freq = vibrations(atoms, charge)
    assert freq["parameters"]["spin"] == freq["thermo"]["spin"] == spin
    assert freq["thermo"]["symmetry_number"] == number
    assert vibrations(atoms, charge, spin=spin)["thermo"] == freq["thermo"]
    assert thermo_job(freq)["gibbs_energy"] == freq["thermo"]["gibbs_energy"] < freq["thermo"]["enthalpy"]
    metadata = document(freq)["molecule_metadata"]
    assert (metadata["charge"], metadata["spin_multiplicity"]) == (charge, 2 * spin + 1)
    assert metadata["symmetry"]["point_group"] == group


@pytest.mark.parametrize(
    ("name", "entropy"),  # in J/mol/K at 1 bar: CODATA, and JANAF for CH3 and CH4
    [("N2", 191.61), ("O2", 205.15), ("CO2", 213.79), ("H2O", 188.84), ("CH4", 186.25), ("CH3", 194.2)],
)
def test_standard_entropies(name, entropy):
    assert vibrations(molecule(name))["thermo"]["entropy"] / J_PER_MOL == pytest.approx(entropy, abs=0.6)


def test_isotopes():
    """Mass and symmetry number: at the same bond, HD has the entropy of H2 and R ln 2, and that of its mass."""
    light, mixed = molecule("H2"), Atoms("H2", positions=molecule("H2").positions, masses=[1.008, 2.014])
    one, two = (vibrations(atoms)["thermo"] for atoms in (light, mixed))
    assert (one["symmetry_number"], two["symmetry_number"]) == (2, 1)
    ratio = 2 * (3.022 / 2.016) ** 1.5 * (1.008 * 2.014 / 3.022) / (1.008 / 2)
    assert two["entropy"] - one["entropy"] == pytest.approx(units.kB * np.log(ratio), abs=1e-8)


@pytest.mark.parametrize("unpaired", [0, 2])
def test_the_spin_is_the_one_of_the_energy(unpaired):
    oxygen = molecule("O2")
    oxygen.set_initial_magnetic_moments(None)
    calc_kwargs = {"multiplicity": unpaired + 1}
    freq = freq_job(oxygen, calc_kwargs=calc_kwargs)
    assert freq["parameters"]["spin"] == unpaired / 2
    with pytest.raises(
        JobFailure, match=f"spin is 0.5, but the energy was computed with the multiplicity {unpaired + 1}"
    ):
        freq_job(oxygen, calc_kwargs=calc_kwargs, spin=0.5)
    with pytest.raises(JobFailure, match="spin is 2, but the energy"):
        thermo_job(freq, spin=2)


def test_a_molecule_across_the_cell():
    boxed = relax_job(molecule("H2O", vacuum=5, pbc=True), fmax=0.002)["atoms"]
    across = boxed.copy()
    across.positions -= across.get_center_of_mass()
    across.wrap()
    one, two = (freq_job(atoms, molecule=True) for atoms in (boxed, across))
    assert two["results"]["frequencies"] == pytest.approx(one["results"]["frequencies"], abs=0.5)
    assert two["thermo"]["symmetry_number"] == one["thermo"]["symmetry_number"] == 2
    assert two["thermo"]["gibbs_energy"] == pytest.approx(one["thermo"]["gibbs_energy"], abs=1e-5)


@pytest.mark.filterwarnings("error::UserWarning")
def test_a_long_linear_molecule_keeps_all_bends():
    """A relaxation to 0.01 eV/Å leaves it 0.02 Å away from a line."""
    chain = Atoms("HC8H", positions=[[0, 0, z] for z in (0, *(1.06 + 1.3 * np.arange(8)), 11.22)])
    chain.rattle(0.05, seed=1)
    freq = freq_job(relax_job(chain)["atoms"])
    assert freq["results"]["frequencies"].shape == (25,)
    bends = freq["results"]["frequencies"][:6]
    assert bends[::2] == pytest.approx(bends[1::2], rel=0.01)  # which are in pairs
    assert (freq["thermo"]["geometry"], freq["thermo"]["symmetry_number"]) == ("linear", 2)


@needs_code("sella")
def test_the_transition_state_of_a_radical():
    """Silyl turns inside out through a plane."""
    silyl = molecule("SiH3")
    silyl.positions[0, 2] = silyl.positions[1, 2] + 0.1
    found = ts_flow(silyl, job_params={"ts_job": {"fmax": 0.001}})
    assert found["freq"]["results"]["imaginary"] == 1
    assert found["freq"]["thermo"]["spin"] == 0.5
    assert found["freq"]["thermo"]["symmetry_number"] == 6
