import pytest
from ase import Atoms
from ase.build import bulk, fcc111

from adatom.analysis.surfaces import adsorption_energy, surface_energy

ABOUT = {"miller_index": [1, 1, 1], "shift": 0.25, "flipped": False}


def slab_of(size):
    slab = fcc111("Cu", size, a=3.6, vacuum=8, periodic=True)
    slab.info = ABOUT
    return slab


@pytest.mark.parametrize("crystal", [bulk("Cu"), bulk("Cu", cubic=True)])
@pytest.mark.parametrize("size", [(1, 1, 3), (2, 3, 5)])
def test_it_does_not_depend_on_cells(crystal, size):
    """Each surface costs 0.5 eV an atom."""
    slab = slab_of(size)
    energy = -3.5 * len(slab) + 2 * 0.5 * size[0] * size[1]
    found = surface_energy(slab, energy, "", crystal, -3.5 * len(crystal))
    area = 3.6**2 * 3**0.5 / 4  # Å² an atom
    assert found["area"] == pytest.approx(area * size[0] * size[1])
    assert found["surface_energy"] == pytest.approx(0.5 / area * 1.602176634e-19 / 1e-20)
    assert {key: found[key] for key in ABOUT} == ABOUT
    assert found["miller_cell"] == ""
    slab.info = {**ABOUT, "miller_cell": "given"}
    assert surface_energy(slab, energy, "", crystal, -3.5)["miller_cell"] == "given"
    assert found["missing"] == ""


def test_of_another_composition_there_is_none():
    slab = slab_of((2, 2, 3))
    slab.symbols[0] = "Au"
    found = surface_energy(slab, -1.0, "", bulk("Cu"), -3.5)
    assert found["surface_energy"] is None
    assert found["missing"].startswith("The slab is AuCu11, and the crystal Cu")


def test_what_is_not_known_is_said():
    found = surface_energy(slab_of((1, 1, 3)), None, "It failed.", bulk("Cu"), -3.5)
    assert (found["surface_energy"], found["missing"]) == (None, "It failed.")
    both = Atoms("Cu", info={"site": "ontop", "site_index": 1})
    found = adsorption_energy(both, None, "It failed.", -3.5)
    assert (found["adsorption_energy"], found["missing"], found["site_index"]) == (None, "It failed.", 1)
    assert adsorption_energy(both, -5.0, "", -3.5)["adsorption_energy"] == -1.5
