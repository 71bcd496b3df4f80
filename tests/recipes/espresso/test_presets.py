"""The presets are of the files that Debian ships."""

import math
import re
from pathlib import Path

import pytest
from ase import Atoms

from adatom.calculators.espresso.pseudopotentials import check_pseudopotentials
from adatom.calculators.preset import load_preset, preset_names
from adatom.recipes.espresso import espresso

DIRECTORY = Path("/usr/share/espresso/pseudo")
# As the file's header says, in one of two formats.
CUTOFFS = [
    r"minimum cutoff for wavefunctions: *([\d.]+) Ry\s+Suggested minimum cutoff for charge density: *([\d.]+)",
    r"([\d.]+) +([\d.]+) Suggested cutoff for wfc and rho",
]


@pytest.mark.parametrize("name", ["pbe", "lda"])
def test_cut_offs_are_at_least_those_that_the_files_suggest(name):
    rows = load_preset("espresso", name)["elements"]
    assert len(rows) >= 12
    suggested = 0
    for element, row in rows.items():
        check_pseudopotentials(Atoms(element), {element: row["pseudopotential"]}, DIRECTORY)
        text = (DIRECTORY / row["pseudopotential"]).read_text(errors="replace")
        found = next((match for pattern in CUTOFFS if (match := re.search(pattern, text))), None)
        ecutwfc, ecutrho = (float(word) for word in found.groups()) if found else (0.0, 0.0)
        suggested += ecutwfc > 0
        assert row["ecutwfc"] >= math.floor(ecutwfc), element
        assert row["ecutrho"] >= max(math.floor(ecutrho), 4 * row["ecutwfc"]), element
    assert suggested >= {"pbe": 13, "lda": 2}[name]


def test_functionals_do_not_mix():
    rows = load_preset("espresso", ["metal", "lda"])["elements"]
    assert len(rows) > 12
    assert all("pz-" in row["pseudopotential"] for row in rows.values())
    assert all("pbe" in row["pseudopotential"] for row in load_preset("espresso", "metal")["elements"].values())


@pytest.mark.parametrize("name", [None, *preset_names("espresso")])
def test_all_parameters_are_known(name):
    preset = load_preset("espresso", name)
    assert set(preset) <= set(espresso.parameters)


@pytest.mark.parametrize("kind", ["metal", "semiconductor", "slab", "molecule"])
def test_each_kind_makes_a_calculator(kind):
    from dataclasses import replace

    atoms = Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.74]], cell=[6, 6, 6])
    for preset in (kind, [kind, "lda"]):
        made = replace(espresso, preset=preset).calculator(atoms).parameters
        assert made["input_data"]["system"]["ecutwfc"] >= 40
        assert (made["kspacing"] is None) == (kind == "molecule")
        assert made["pseudopotentials"]["H"] == ("H.pbe-kjpaw.UPF" if preset == kind else "H.pz-vbc.UPF")
