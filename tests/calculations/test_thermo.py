import warnings

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import molecule

from adatom.calculations import thermochemistry
from adatom.errors import InputError, UnknownNameError

J_PER_MOL = units.J / units.mol  # so much is 1 J/mol in eV


def test_entropy_of_argon():
    thermo = thermochemistry(Atoms("Ar"), [], energy=1.0)
    assert thermo["entropy"] / J_PER_MOL == pytest.approx(154.85, abs=0.01)  # CODATA, 298.15 K, 1 bar
    assert thermo["geometry"] == "monatomic"
    assert thermo["enthalpy"] == pytest.approx(1.0 + 2.5 * units.kB * 298.15)
    assert thermo["gibbs_energy"] == pytest.approx(thermo["enthalpy"] - 298.15 * thermo["entropy"])


def test_entropy_and_enthalpy_of_nitrogen():
    n2 = Atoms("N2", positions=[[0, 0, 0], [0, 0, 1.0977]])  # measured bond length and vibration
    thermo = thermochemistry(n2, [2358.57 * units.invcm])
    assert thermo["entropy"] / J_PER_MOL == pytest.approx(191.61, abs=0.1)  # CODATA
    assert (thermo["enthalpy"] - thermo["zpe"]) / J_PER_MOL == pytest.approx(8670, abs=10)  # CODATA H(298) - H(0)
    assert (thermo["geometry"], thermo["symmetry_number"]) == ("linear", 2)


# The second half has two modes each.
C6H6 = [3074, 993, 1350, 990, 707, 674, 3057, 1010, 1309, 1150]
C6H6 += 2 * [847, 3057, 1601, 1178, 608, 3047, 1484, 1038, 967, 398]


@pytest.mark.parametrize(
    ("name", "wave_numbers", "entropy"),  # fundamentals of NIST's WebBook; entropies of CODATA and, for CH4, JANAF
    [
        ("HCl", [2886], 186.90),
        ("H2O", [1595, 3657, 3756], 188.84),
        ("CH4", [1306, 1306, 1306, 1534, 1534, 2917, 3019, 3019, 3019], 186.25),
        ("NH3", [950, 1627, 1627, 3337, 3444, 3444], 192.77),
        ("C6H6", C6H6, 269.2),  # of the WebBook
    ],
)
def test_entropies_with_the_symmetry_number_that_is_found(name, wave_numbers, entropy):
    """A symmetry number that is wrong by a factor of 2 changes them by 5.8 J/mol/K."""
    thermo = thermochemistry(molecule(name), np.array(wave_numbers) * units.invcm)
    assert thermo["entropy"] / J_PER_MOL == pytest.approx(entropy, abs=0.5)


def test_pressure_and_spin_enter_the_entropy():
    o2 = molecule("O2")
    low = thermochemistry(o2, [0.2], spin=0)
    high = thermochemistry(o2, [0.2], pressure_bar=10)  # with the spin of the initial moments
    assert (low["spin"], high["spin"]) == (0, 1)
    assert high["entropy"] - low["entropy"] == pytest.approx(units.kB * (np.log(3) - np.log(10)))


def test_harmonic_model_against_its_formula():
    quanta, temperature = np.array([0.05, 0.2]), 400.0
    thermo = thermochemistry(molecule("H2O"), quanta, energy=-3.0, model="harmonic", temperature=temperature)
    kt = units.kB * temperature
    free = -3.0 + (quanta / 2 + kt * np.log(1 - np.exp(-quanta / kt))).sum()
    assert thermo["helmholtz_energy"] == pytest.approx(free)
    assert thermo["internal_energy"] == pytest.approx(-3.0 + (quanta / 2 + quanta / (np.exp(quanta / kt) - 1)).sum())
    assert thermo["zpe"] == pytest.approx(0.125)
    assert "pressure_bar" not in thermo


def test_harmonic_model_without_vibrations():
    thermo = thermochemistry(Atoms("Cu"), [], energy=2.0, model="harmonic")
    assert (thermo["helmholtz_energy"], thermo["entropy"]) == (2.0, 0.0)


@pytest.mark.parametrize(
    ("name", "number"), [("H2", 2), ("N2", 2), ("CO", 1), ("HCl", 1), ("H2O", 2), ("NH3", 3), ("CH4", 12), ("C6H6", 12)]
)
def test_symmetry_numbers(name, number):
    atoms = molecule(name)
    modes = 3 * len(atoms) - (5 if len(atoms) == 2 else 6)
    assert thermochemistry(atoms, [0.1] * modes)["symmetry_number"] == number


def test_isotopes_of_a_molecule_are_not_exchanged():
    bond = [[0, 0, 0], [0, 0, 0.7414]]
    mixed = thermochemistry(Atoms("H2", bond, masses=[1.00783, 2.01410]), [3628.3 * units.invcm])
    assert mixed["symmetry_number"] == 1
    # JANAF's 143.80 J/mol/K is that of quantised rotation, which is less by R B / (3 k T): 0.6 J/mol/K.
    assert mixed["entropy"] / J_PER_MOL == pytest.approx(143.8, abs=0.7)


def test_a_doubtful_symmetry_number_is_said():
    distorted = molecule("H2O")
    distorted.positions[1] *= 1.1
    with pytest.warns(UserWarning, match=r"symmetry number of H2O is 1 \(Cs\), but 2 \(C2v\) with .*=0.15"):
        assert thermochemistry(distorted, [0.1] * 3)["symmetry_number"] == 1
    with warnings.catch_warnings(action="error"):
        assert thermochemistry(distorted, [0.1] * 3, symmetry_tolerance=0.1)["symmetry_number"] == 2
        assert thermochemistry(distorted, [0.1] * 3, symmetry_number=3)["symmetry_number"] == 3
        assert thermochemistry(molecule("H2O2"), [0.1] * 6)["symmetry_number"] == 2


@pytest.mark.parametrize("name", ["H2O", "CO2", "CH4"])
def test_a_molecule_across_the_cell(name):
    atoms = molecule(name, vacuum=4, pbc=True)
    modes = [0.1] * (4 if name == "CO2" else 3 * len(atoms) - 6)
    across = atoms.copy()
    across.positions -= across.get_center_of_mass()
    across.wrap()
    one, two = (thermochemistry(structure, modes) for structure in (atoms, across))
    assert two == {**one, "entropy": pytest.approx(one["entropy"])} | {
        key: pytest.approx(one[key]) for key in ("gibbs_energy", "helmholtz_energy")
    }


def test_imaginary_modes_are_refused_or_left_out():
    quanta = [-0.05, 0.2, 0.4]
    with pytest.raises(InputError, match="1 of 3 vibrations are imaginary"):
        thermochemistry(molecule("H2O"), quanta)
    thermo = thermochemistry(molecule("H2O"), quanta, ignore_imaginary=True)
    assert thermo["zpe"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"model": "gas"}, UnknownNameError, "ideal_gas"),
        ({"temperature": 0}, InputError, "temperature is 0"),
        ({"pressure_bar": -1}, InputError, "pressure_bar is -1"),
        ({"pressure_bar": 0}, InputError, "pressure_bar is 0"),
        ({"pressure_bar": 101325e2}, InputError, "pressure_bar is 10132500.0.*at most 1e6"),
        ({"pressure_bar": True}, InputError, "pressure_bar is True"),
        ({"symmetry_tolerance": 0}, InputError, "symmetry_tolerance is 0"),
        ({"model": "harmonic", "spin": 0}, InputError, "spin is 0, but the harmonic"),
        ({"model": "harmonic", "symmetry_number": 2}, InputError, "symmetry_number is 2, but the harmonic"),
        ({"spin": 0.3}, InputError, "spin is 0.3"),
        ({"symmetry_number": 0}, InputError, "symmetry_number is 0"),
        ({"vib_energies": [0.1]}, InputError, "nonlinear molecule of 3 atoms has 3 vibrations; 1"),
    ],
)
def test_bad_arguments(arguments, error, said):
    with pytest.raises(error, match=said):
        thermochemistry(molecule("H2O"), **{"vib_energies": [0.1, 0.2, 0.3], **arguments})
