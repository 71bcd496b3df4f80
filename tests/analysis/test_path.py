import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.utils.forcecurve import fit_images

from adatom.analysis.path import path_points, reaction_path
from adatom.errors import InputError


def cubic(x):
    """An energy in eV, and its slope."""
    return -0.75 * x**3 + 1.875 * x**2 - 0.125 * x, -2.25 * x**2 + 3.75 * x - 0.125


def test_a_cubic_is_found_exactly():
    points = np.array([0.0, 0.4, 1.1, 2.0])
    energies, slopes = cubic(points)
    images = [Atoms("HHe", positions=[[x, 0, 0], [0, 0, 0]]) for x in points]
    path = reaction_path(path_points(images, energies + 7, [[[-slope, 0.3, 0], [0, 0, 0]] for slope in slopes]))
    np.testing.assert_allclose(path["coordinates"], points)
    np.testing.assert_allclose(path["energies"], energies)
    np.testing.assert_allclose(path["curve_energies"], cubic(path["curve_coordinates"])[0], atol=1e-12)
    assert path["highest"] == int(energies.argmax())
    assert path["forward_barrier"] == pytest.approx(energies.max())
    assert path["reverse_barrier"] == pytest.approx(energies.max() - energies[-1])
    assert path["reaction_energy"] == pytest.approx(energies[-1])


def test_the_curve_is_that_of_ase():
    rng = np.random.default_rng(1)
    images = [Atoms("CO2", positions=rng.normal(size=(3, 3))) for _ in range(5)]
    energies, forces = rng.normal(size=5), rng.normal(size=(5, 3, 3))
    for image, energy, force in zip(images, energies, forces, strict=True):
        image.calc = SinglePointCalculator(image, energy=energy, forces=force)
    ours, theirs = reaction_path(path_points(images, energies, forces)), fit_images(images)
    np.testing.assert_allclose(ours["coordinates"], theirs.path)
    np.testing.assert_allclose(ours["curve_coordinates"], theirs.fit_path)
    np.testing.assert_allclose(ours["curve_energies"], theirs.fit_energies, atol=1e-9)


@pytest.mark.parametrize(("number", "said"), [(1, "two structures or more; this has 1"), (2, "Structure 1 .* same")])
def test_what_is_no_path(number, said):
    with pytest.raises(InputError, match=said):
        path_points([Atoms("H")] * number, [0.0] * number, [[[0, 0, 0]]] * number)
