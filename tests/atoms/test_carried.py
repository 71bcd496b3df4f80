"""The table of `docs/carried.md` is true: it says of each function what the new structure has of the old one."""

import re
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.constraints import FixAtoms, FixCartesian

from adatom.atoms.adsorption import make_adsorption
from adatom.atoms.defects import make_defects
from adatom.atoms.deformations import scale_volume, strain_crystal
from adatom.atoms.displacements import make_displaced, make_undisplaced
from adatom.atoms.rattle import rattle
from adatom.atoms.slabs import make_slabs
from adatom.atoms.supercells import make_cubic_supercell, make_supercell

PAGE = Path(__file__).parents[2] / "docs" / "carried.md"
MADE = {
    "make_supercell": [lambda a: make_supercell(a, (2, 1, 1)), lambda a: make_supercell(a, np.diag([1, 1, 2]) + UP)],
    "make_cubic_supercell": [lambda a: make_cubic_supercell(a, min_length=5, min_atoms=10)],
    "scale_volume": [lambda a: scale_volume(a, [0.01])[0]],
    "strain_crystal": [lambda a: strain_crystal(a, {"xx": np.diag([0.01, 0, 0])})[0]],
    "make_displaced": [lambda a: make_displaced(a, [2, 1, 1])[0]],
    "make_undisplaced": [lambda a: make_undisplaced(a, [2, 1, 1])],
    "make_defects": [
        lambda a: make_defects(a, a * (2, 2, 2))[0],
        lambda a: make_defects(a, a * (2, 2, 2), vacancies=[], substitutions={"Cu": "Ag"})[0],
        lambda a: make_defects(a, a * (2, 2, 2), vacancies=[], interstitials=["Cu"])[0],
    ],
    "make_slabs": [lambda a: make_slabs(a, min_length_width=None, z_fix=None)[0]],
    "make_adsorption": [lambda a: make_adsorption(vacuum_above(a), "Ag")[0]],
    "rattle": [lambda a: rattle(a, 0.01, np.random.default_rng(0))],
}


def vacuum_above(atoms):
    """The crystal as a slab."""
    slab = atoms.copy()
    slab.cell[2, 2] += 12.0
    return slab


UP = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]])


def crystal(vectors=False):
    """Copper with all that atoms can have; atoms are told apart by their tags alone, which symmetry does not see."""
    atoms = bulk("Cu", cubic=True)
    number = len(atoms)
    atoms.set_masses([65.0] * number)
    atoms.set_initial_magnetic_moments([[0.0, 0.5, 1.0] if vectors else 1.0] * number)
    atoms.set_initial_charges([0.5] * number)
    atoms.set_tags(range(number))
    atoms.set_momenta(np.arange(1, number + 1)[:, None] * [1.0, 2.0, 3.0])
    atoms.info["label"] = {"of": ["the", "user"]}
    atoms.set_array("own", np.arange(number) * 10.0)
    atoms.set_celldisp([0.1, 0.2, 0.3])
    atoms.set_constraint([FixAtoms([0]), FixCartesian(1, (True, False, False))])
    return atoms


def has(structure, start, column):
    """Whether a structure has it: an atom that was in the start, as its tag says, has what it had there."""
    own = (structure.numbers == start.numbers[0]) & (structure.get_masses() == 65.0)  # no new atom
    source = structure.get_tags()[own]
    assert own.sum() >= len(structure) - 1
    if column == "info":
        return structure.info.get("label") == start.info["label"]
    if column == "celldisp":
        return np.allclose(structure.get_celldisp(), start.get_celldisp())
    if column == "constraints":
        held = {type(constraint): set(constraint.index) for constraint in structure.constraints}
        return all(
            {place for place in np.flatnonzero(own) if structure.get_tags()[place] in constraint.index}
            <= held.get(type(constraint), set())
            for constraint in start.constraints
        )
    if column == "tags":
        return structure.has("tags") and set(source) <= {0, 1, 2, 3}  # a slab has copies of one of several like atoms
    values = {
        "masses": lambda atoms: atoms.get_masses(),
        "moments": lambda atoms: atoms.get_initial_magnetic_moments(),
        "charges": lambda atoms: atoms.get_initial_charges(),
        "velocities": lambda atoms: atoms.get_momenta(),
        "arrays": lambda atoms: atoms.arrays.get("own", np.full(len(atoms), np.nan)),
    }[column]
    found, given = values(structure)[own], values(start)[source]
    return found.shape == given.shape and np.allclose(found, given)


def table():
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    columns, *rows = rows
    assert {re.sub("`", "", row[0]) for row in rows} == MADE.keys()
    return [(row[0].strip("`"), dict(zip(columns[1:], row[1:], strict=True))) for row in rows]


@pytest.mark.parametrize("vectors", [False, True], ids=["moments", "vectors"])
@pytest.mark.parametrize(("name", "said"), table(), ids=lambda value: value if isinstance(value, str) else "")
def test_table(name, said, vectors):
    if name == "make_slabs" and vectors:
        said = said | {"moments": "dropped"}  # they are turned with the crystal: see test_slabs
    for make in MADE[name]:
        start = crystal(vectors)
        made = make(start)
        found = {column: "kept" if has(made, start, column) else "dropped" for column in said}
        assert found == said
        assert start == crystal(vectors)
