import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111

from adatom.calculators.k_points import k_grid, numbers_or_spacing
from adatom.errors import InputError
from adatom.recipes import aims, castep, dftb, espresso, gpaw, vasp


def test_numbers_or_a_spacing():
    copper, slab = bulk("Cu", cubic=True), fcc111("Cu", (1, 1, 2), vacuum=8)
    assert numbers_or_spacing(copper, {"kspacing": 0.5}) == [4, 4, 4]  # 2π / 3.61 Å / 0.5 Å⁻¹ = 3.5
    assert numbers_or_spacing(slab, {"kspacing": 0.5})[2] == 1
    assert numbers_or_spacing(copper, {"kpts": np.array([1, 2, 3]), "kspacing": None}) == [1, 2, 3]
    assert numbers_or_spacing(Atoms("H"), {}) == [1, 1, 1]
    derived = k_grid(copper, {"kspacing": 0.5})
    assert numbers_or_spacing(copper, {"kspacing": 0.5, **derived}) == [4, 4, 4]


@pytest.mark.parametrize("module", [aims, castep, dftb, espresso, gpaw, vasp], ids=lambda module: module.__name__)
def test_a_spacing_has_one_meaning_for_all_codes(module):
    """2π / 3.61 Å is 1.74 Å⁻¹; without the factor 2π there would be 2 points along a vector."""
    derive = getattr(module, module.__name__.rpartition(".")[2]).derive
    copper = bulk("Cu", cubic=True)
    tall = Atoms("Cu", cell=[3.61, 3.61, 15], pbc=True)
    for slab, expected in ((None, [7, 7, 7]), (tall.repeat((2, 2, 1)), [4, 4, 7])):
        derived = derive(copper, {"kspacing": 0.25}, slab)
        assert derived["kpts"] == expected
        assert derived["kspacing"] is None
        assert derive(copper, {"kspacing": 0.25, **derived}, None) in ({}, derived)  # the grid of a flow stays


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "kpts is None. Give three integers above 0"),
        ({"kpts": 4}, "kpts is 4. Give three integers"),
        ({"kpts": [4, 4, 0]}, "Give three integers"),
        ({"kpts": [4, 4, 4.5]}, "Give three integers"),
        ({"kspacing": "fine"}, "kspacing is 'fine'. Give a number above 0"),
        ({"kspacing": 0}, "kspacing is 0. Give a number above 0"),
        ({"kpts": [4, 4, 4], "kspacing": 0.2}, "Give one"),
    ],
)
def test_bad_grids_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        numbers_or_spacing(bulk("Cu"), given)
