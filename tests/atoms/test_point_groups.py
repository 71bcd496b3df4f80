import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.cluster import Icosahedron, Octahedron
from ase.collections import g2

from adatom.atoms.point_groups import molecular_symmetry
from adatom.errors import InputError


def ring(symbols, radius, number, height=0.0, turned=0.0):
    """Groups of atoms on a circle, each with its symbol at its radius."""
    angles = 2 * np.pi * (np.arange(number) + turned) / number
    parts = [
        Atoms(f"{symbol}{number}", np.column_stack([r * np.cos(angles), r * np.sin(angles), 0 * angles + height]))
        for symbol, r in zip(symbols, radius, strict=True)
    ]
    return sum(parts[1:], start=parts[0])


def sandwich(turned):
    rings = ring(["C", "H"], [1.42, 2.5], 5, 1.65) + ring(["C", "H"], [1.42, 2.5], 5, -1.65, turned)
    return rings + Atoms("Fe")


def octahedral(symbols="F6", lengths=(1.57,) * 6):
    arms = np.repeat(np.eye(3), 2, axis=0) * np.array([1, -1] * 3)[:, None]
    return Atoms("S") + Atoms(symbols, arms * np.array(lengths)[:, None])


def boric_acid():
    acid = ring(["O"], [1.37], 3) + Atoms("B")
    return acid + ring(["H"], [1.9], 3, turned=0.25)


def twisted(name, degrees, half):
    atoms = molecule(name)
    axis = atoms.positions[1] - atoms.positions[0]
    part = Atoms(atoms.numbers[half], positions=atoms.positions[half])
    part.rotate(degrees, axis, center=atoms.positions[0])
    atoms.positions[half] = part.positions
    return atoms


SULFUR = ring(["S"], [2.35], 8)
SULFUR.positions[::2, 2] += 0.5
SULFUR.positions[1::2, 2] -= 0.5

LUMP = np.array([[0.7, 0, 0], [1, 1, 0.3], [1.2, -0.8, 0.9], [1.5, -0.7, -1.6]])

TEXTBOOK = [
    (Atoms("Ar"), "Kh", 1),
    (molecule("H2"), "D*h", 2),
    (molecule("CO"), "C*v", 1),
    (molecule("CO2"), "D*h", 2),
    (molecule("OCS"), "C*v", 1),
    (molecule("HCN"), "C*v", 1),
    (molecule("C2H2"), "D*h", 2),
    (molecule("H2O"), "C2v", 2),
    (molecule("SO2"), "C2v", 2),
    (molecule("HOCl"), "Cs", 1),
    (molecule("H2O2"), "C2", 2),
    (molecule("H2CO"), "C2v", 2),
    (molecule("COF2"), "C2v", 2),
    (molecule("C4H4NH"), "C2v", 2),
    (molecule("CH2NHCH2"), "Cs", 1),
    (molecule("NH3"), "C3v", 3),
    (molecule("CH3Cl"), "C3v", 3),
    (molecule("CH3"), "D3h", 6),
    (molecule("BF3"), "D3h", 6),
    (boric_acid(), "C3h", 3),
    (molecule("CH4"), "Td", 12),
    (molecule("CCl4"), "Td", 12),
    (molecule("C2H4"), "D2h", 4),
    (molecule("C2H6"), "D3d", 6),
    (twisted("C2H6", 20, [0, 2, 3, 4]), "D3", 6),
    (molecule("C3H4_D2d"), "D2d", 4),
    (molecule("C3H6_D3h"), "D3h", 6),
    (molecule("cyclobutane"), "D2d", 4),
    (molecule("trans-butane"), "C2h", 2),
    (molecule("isobutane"), "C3v", 3),
    (molecule("C5H8"), "D2d", 4),
    (molecule("C6H6"), "D6h", 12),
    (sandwich(0), "D5h", 10),
    (sandwich(0.5), "D5d", 10),
    (sandwich(0.2), "D5", 10),
    (SULFUR, "D4d", 8),
    (octahedral(), "Oh", 24),
    (octahedral("F4Cl2"), "D4h", 8),
    (octahedral("F5Cl"), "C4v", 4),
    (octahedral("F2Cl2Br2", (1.6, 1.6, 2, 2, 2.2, 2.2)), "D2h", 4),
    (ring(["C"], [2], 4, 0.5) + ring(["C"], [2], 4, -0.5, 0.2) + ring(["N"], [1], 4, 1), "C4", 4),
    (
        ring(["C", "H"], [1, 2], 2, 0.6, 0.1)
        + ring(["C", "H"], [1, 2], 2, -0.6, 0.6)
        + ring(["N"], [1], 2, 2, 0.3)
        + ring(["N"], [1], 2, -2, 0.8),
        "S4",
        2,
    ),
    (Atoms("CHFCl", LUMP) + Atoms("CHFCl", -LUMP), "Ci", 1),
    (Atoms("CHFCl", LUMP), "C1", 1),
    (octahedral("FClFClBrI", (1.6, 2, 1.6, 2, 2.2, 2.4)), "Cs", 1),
    (molecule("C60"), "Ih", 60),
    (Octahedron("Cu", 3), "Oh", 24),
    (Icosahedron("Cu", 2), "Ih", 60),
]


@pytest.mark.parametrize(("atoms", "group", "number"), TEXTBOOK, ids=[f"{a.symbols}-{g}" for a, g, _ in TEXTBOOK])
def test_textbook(atoms, group, number):
    random = np.random.default_rng(1)
    for noise in (0, 0.005):
        moved = atoms.copy()
        moved.rotate(67, (1, 2, 3))
        moved.positions += random.normal(scale=noise, size=moved.positions.shape) + 7
        found = molecular_symmetry(moved[random.permutation(len(moved))])
        assert (found.point_group, found.symmetry_number, found.linear) == (group, number, "*" in group)


def test_all_of_g2():
    """Each of the 162 has a point group, radicals and atoms too; those of odd shape have the one of their structure."""
    for name in g2.names:
        for tolerance in (0.01, 0.05, 0.15):
            found = molecular_symmetry(g2[name], tolerance)
            assert found.symmetry_number >= 1, name
            assert found.point_group, name


@pytest.mark.parametrize(
    ("name", "heavy", "number"),
    [
        ("H2", [0], 1),
        ("H2", [0, 1], 2),
        ("H2O", [1], 1),
        ("H2O", [1, 2], 2),
        ("NH3", [1], 1),
        ("NH3", [1, 2], 1),
        ("CH4", [1], 3),
        ("CH4", [1, 2], 2),
        ("CH4", [1, 2, 3], 3),
        ("CH4", [1, 2, 3, 4], 12),
        ("CO2", [1], 1),  # of oxygen
        ("C6H6", [0], 2),  # of carbon
        ("C2H4", [2], 1),
    ],
)
def test_isotopes_are_not_exchanged(name, heavy, number):
    atoms = molecule(name)
    masses = atoms.get_masses()
    masses[heavy] += 1
    atoms.set_masses(masses)
    assert molecular_symmetry(atoms).symmetry_number == number


def test_moments_and_charges_do_not_count():
    hydrogen = Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.74]], magmoms=[1, -1], charges=[1, 0])
    assert molecular_symmetry(hydrogen).symmetry_number == 2


def test_the_tolerance_is_a_distance():
    carbon_dioxide = Atoms("OCO", [[-1.16, 0, 0], [0, 0, 0], [1.41, 0, 0]])
    assert molecular_symmetry(carbon_dioxide).point_group == "C*v"
    # The carbon atom is 0.083 Å from the center, and its image as far on the other side.
    assert molecular_symmetry(carbon_dioxide, 0.16).point_group == "C*v"
    assert molecular_symmetry(carbon_dioxide, 0.17).point_group == "D*h"
    water = molecule("H2O")
    water.positions[1] *= 1.1
    assert molecular_symmetry(water).point_group == "Cs"
    assert molecular_symmetry(water, 0.2).point_group == "C2v"


@pytest.mark.parametrize("amplitude", [0.01, 0.02, 0.04])
def test_at_the_border_of_the_tolerance_there_is_a_group(amplitude):
    """Its order divides that of the undistorted molecule."""
    for name in ("CH4", "C6H6", "C2H6", "C3H4_D2d"):
        whole = molecular_symmetry(molecule(name)).symmetry_number
        for seed in range(5):
            atoms = molecule(name)
            atoms.rattle(amplitude, seed=seed)
            assert whole % molecular_symmetry(atoms).symmetry_number == 0


@pytest.mark.parametrize("tolerance", [0, -1, float("nan"), 0.6, "0.1", True])
def test_bad_tolerances(tolerance):
    with pytest.raises(InputError, match="symmetry_tolerance is"):
        molecular_symmetry(molecule("H2O"), tolerance)


def test_atoms_at_one_place_are_refused():
    with pytest.raises(InputError, match="at one place"):
        molecular_symmetry(Atoms("H4", [[0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0]]))
