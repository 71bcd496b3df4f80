import pytest
from ase import Atoms
from ase.build import bulk

from adatom.analysis.defects import formation_energy

PERFECT = bulk("GaAs", "zincblende", a=5.65) * (2, 2, 2)
MU = {"Ga": -3.0, "As": -5.0, "Al": -4.0}  # eV


def with_changes(symbols: str, **info) -> Atoms:
    structure = PERFECT.copy()
    structure.symbols[:2] = symbols
    structure.info = {"defect": "x", "defect_index": 0}
    return structure


def test_atoms_go_to_and_come_from_their_reservoirs():
    vacancy = with_changes("GaAs")
    del vacancy[0]
    assert formation_energy(vacancy, -93.0, "", PERFECT, -100.0, MU)["formation_energy"] == pytest.approx(
        7.0 + MU["Ga"]
    )
    added = with_changes("GaAs") + Atoms("As")
    added.info = vacancy.info
    assert formation_energy(added, -93.0, "", PERFECT, -100.0, MU)["formation_energy"] == pytest.approx(7.0 - MU["As"])
    other = formation_energy(with_changes("AlAs"), -98.0, "", PERFECT, -100.0, MU)
    assert other["element_changes"] == {"Al": 1, "Ga": -1}
    assert other["formation_energy"] == pytest.approx(2.0 + MU["Ga"] - MU["Al"])


def test_of_both_halves_of_a_pair_the_potentials_cancel():
    """A vacancy and the atom in a hole: their sum does not depend on where the atom comes from."""
    vacancy = with_changes("GaAs")
    del vacancy[0]
    added = with_changes("GaAs") + Atoms("Ga")
    added.info = vacancy.info
    sums = []
    for potential in (-3.0, -1.0):
        pair = [formation_energy(atoms, -96.0, "", PERFECT, -100.0, {"Ga": potential}) for atoms in (vacancy, added)]
        sums.append(sum(each["formation_energy"] for each in pair))
    assert sums == pytest.approx([8.0, 8.0])


def test_a_charge_is_an_exchange_of_electrons():
    found = formation_energy(with_changes("AlAs"), -98.0, "", PERFECT, -100.0, MU, charge=-2, fermi_energy=5.5)
    assert found["formation_energy"] == pytest.approx(2.0 + MU["Ga"] - MU["Al"] - 2 * 5.5)
    assert found["charge"] == -2


@pytest.mark.parametrize(
    ("energy", "potentials", "charge", "said"),
    [
        (-98.0, {"Ga": -3.0}, 0, "Give chemical_potentials, in eV per atom, of Al."),
        (-98.0, {}, 0, "of Al, Ga."),
        (-98.0, MU, 1, "The charge is +1. Give fermi_energy, in eV."),
        (None, MU, 0, "It failed."),
        (None, {}, 1, "It failed."),
    ],
)
def test_what_is_missing_is_said(energy, potentials, charge, said):
    missing = "" if energy else "It failed."
    found = formation_energy(with_changes("AlAs"), energy, missing, PERFECT, -100.0, potentials, charge=charge)
    assert found["formation_energy"] is None
    assert said in found["missing"]
    assert found["energy_difference"] == (None if energy is None else 2.0)
