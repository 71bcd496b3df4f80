import warnings

import numpy as np
import pytest
from ase import units

from adatom.analysis.eos import EQUATIONS, fit_eos
from adatom.errors import AnalysisError

V0, E0, K, DERIVATIVE = 20.0, -3.0, 100.0, 4.5  # Å³, eV, GPa


def murnaghan(volumes):
    """Integrated from K(p) = K + K' p; energies in eV."""
    b, d = K * units.GPa, DERIVATIVE
    return E0 + b * volumes / d * ((V0 / volumes) ** d / (d - 1) + 1) - b * V0 / (d - 1)


def birch_murnaghan(volumes):
    """From the finite strain f: E = E0 + 9/2 K V0 f² (1 + (K' - 4) f); energies in eV."""
    f = ((V0 / volumes) ** (2 / 3) - 1) / 2
    return E0 + 4.5 * K * units.GPa * V0 * f**2 * (1 + (DERIVATIVE - 4) * f)


def vinet(volumes):
    """Integrated from p = 3 K (1 - x) / x² exp(3/2 (K' - 1) (1 - x)), x = (V/V0)^(1/3); energies in eV."""
    c, x = 1.5 * (DERIVATIVE - 1), (volumes / V0) ** (1 / 3)
    y = c * (1 - x)
    return E0 + 9 * K * units.GPa * V0 / c**2 * (1 + (y - 1) * np.exp(y))


@pytest.mark.parametrize("energy", [murnaghan, birch_murnaghan, vinet])
@pytest.mark.parametrize("points", [5, 9])
def test_the_parameters_of_the_equation_itself_are_found(energy, points):
    volumes = V0 * np.linspace(0.92, 1.1, points)
    fit = fit_eos(volumes[::-1], energy(volumes)[::-1], energy.__name__)
    found = [fit[key] for key in ("v0", "e0", "bulk_modulus", "bulk_modulus_derivative")]
    assert found == pytest.approx([V0, E0, K, DERIVATIVE], rel=1e-4)
    assert np.abs(fit["residuals"]).max() < 1e-6
    assert list(fit["volumes"]) == sorted(volumes)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_all_equations_agree_near_the_minimum(equation):
    volumes = V0 * np.linspace(0.97, 1.03, 7)
    fit = fit_eos(volumes, birch_murnaghan(volumes), equation)
    assert fit["v0"] == pytest.approx(V0, rel=1e-3)
    assert fit["bulk_modulus"] == pytest.approx(K, rel=1e-2)


def test_points_without_a_minimum_are_an_error_that_lists_them():
    volumes = np.linspace(15, 25, 7)
    with pytest.raises(AnalysisError, match=r"does not fit these points.*15\.000 Å³: 22\.500000 eV"):
        fit_eos(volumes, -((volumes - 20) ** 2) * 0.1 + 25)


def test_a_minimum_outside_of_the_volumes_is_an_error():
    volumes = V0 * np.linspace(1.02, 1.12, 7)
    with pytest.raises(AnalysisError, match="Take volumes on both sides of the lowest energy"):
        fit_eos(volumes, birch_murnaghan(volumes))


def test_a_fit_that_describes_no_solid_says_so():
    """Each volume with a grid of k points of its own, as in aluminium, looks like noise on the energies."""
    volumes = V0 * np.linspace(0.9, 1.1, 7)
    energies = birch_murnaghan(volumes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_eos(volumes, energies)
    noise = 0.004 * np.array([1, -1, 1, -1, 1, -1, 1])
    with pytest.warns(UserWarning, match=r"an energy is [\d.]+ meV off.*same settings at all volumes"):
        fit_eos(volumes, energies + noise)
    tilted = energies - 40 * ((volumes - V0) / V0) ** 3
    with pytest.warns(UserWarning, match="the derivative of the bulk modulus is"):
        fit_eos(volumes, tilted)
