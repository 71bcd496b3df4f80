"""The same crystal gives the same input of pw.x, however it is described: as text, without a run.

All jobs with pw.x have their calculator from `espresso.calculator`.
"""

import functools
import re
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.data import chemical_symbols

from adatom.calculators.preset import load_preset, preset_names
from adatom.errors import InputError
from adatom.recipes.espresso import espresso
from tests.recipes.descriptions import CELLS, CHANGES
from tests.recipes.systems import described

# One spacing that divides the reciprocal vectors of iron evenly.
SPACING = 2 * np.pi / (2.87 * 12) + 1e-6
PRESETS = [name for name in preset_names("espresso") if load_preset("espresso", name).get("elements", {}).get("Fe")]
MARKED = {"plain": (), "magnetic": ("moments",), "isotopes": ("moments", "isotopes", "charges", "kinds", "velocities")}


def written(preset, atoms) -> str:
    """The input of pw.x that a job with a preset writes."""
    spacing = {"kspacing": SPACING} if load_preset("espresso", preset).get("kspacing") else {}
    made = replace(espresso, preset=preset).calculator(atoms, spacing)
    with tempfile.TemporaryDirectory() as folder:
        made.directory = Path(folder)
        made.write_inputfiles(atoms, ["energy", "forces"])
        [file] = Path(folder).glob("*.pwi")
        return file.read_text()


def read(preset, atoms):
    """What an input says: its keywords, its species with their numbers of atoms per atom, and its k points."""
    text = written(preset, atoms)
    keywords = dict(re.findall(r"^ +(\S+) += (.+)$", text, flags=re.MULTILINE))
    moments = [keywords.pop(f"starting_magnetization({one})", "") for one in range(1, int(keywords["ntyp"]) + 1)]
    assert int(keywords.pop("nat")) == len(atoms)
    kinds = re.findall(r"^([A-Z][a-z]?)(\d*) +([\d.]+) (\S+)$", text, flags=re.MULTILINE)
    lines = Counter(re.findall(rf"^((?:{'|'.join(chemical_symbols[1:])})\d*) +-?\d+\.\d{{10}} ", text, re.MULTILINE))
    assert lines.total() == len(atoms)
    species = sorted(
        (symbol, float(mass), file, moment, lines[symbol + number] / len(atoms))
        for (symbol, number, mass, file), moment in zip(kinds, moments, strict=True)
    )
    grid = re.search(r"K_POINTS automatic\s+(\d+) (\d+) (\d+)", text)
    points = np.array(grid.groups(), dtype=int) if grid else np.ones(3, dtype=int)
    assert grid or "K_POINTS gamma" in text
    return keywords, species, points


@functools.cache
def iron():
    return bulk("Fe", a=2.87, cubic=True)


@pytest.mark.parametrize("change", CHANGES | CELLS)
@pytest.mark.parametrize("marks", MARKED.values(), ids=MARKED)
@pytest.mark.parametrize("preset", PRESETS)
def test_input(preset, marks, change):
    atoms, other = described(iron(), marks), described(iron(), marks, [(CHANGES | CELLS)[change]])
    (keywords, species, points), (found, other_species, other_points) = read(preset, atoms), read(preset, other)
    assert found == keywords
    assert other_species == species
    lengths = 2 * np.pi * other.cell.reciprocal().lengths()
    if points.prod() > 1:  # as many along each reciprocal vector as the spacing asks for, and no more
        assert other_points.tolist() == np.ceil(lengths / SPACING - 1e-9).astype(int).tolist()
    if change not in ("sheared", "primitive"):  # whose reciprocal vectors are of other lengths
        assert other_points.prod() * len(other) >= points.prod() * len(atoms) or points.prod() == 1


def test_vectors_are_refused():
    with pytest.raises(InputError, match="initial magnetic moments of Fe2 are vectors"):
        read("metal", described(iron(), ["vector_moments"]))
