"""The input of a preset that is an input set of pymatgen, against the input that pymatgen writes itself."""

import os
import sys
from importlib import import_module

import numpy as np
import pytest
from ase import Atoms
from ase.build import add_adsorbate, bulk, fcc111, molecule
from ase.spacegroup import crystal
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Incar, Kpoints, sets

from adatom.calculators.vasp.make import k_grid, make_vasp
from adatom.calculators.vasp.sets import SETS, arguments_of
from adatom.errors import InputError, MissingExtraError, UnknownNameError
from tests import standins
from tests.codes import reason_to_skip
from tests.standins.vasp import potcar


def with_moments(atoms, moments):
    atoms.set_initial_magnetic_moments(moments)
    return atoms


def rocksalt(formula, a, moments=None):
    atoms = bulk(formula, "rocksalt", a=a, cubic=True)
    return with_moments(atoms, moments) if moments else atoms


def fluorite(formula, a):
    return bulk(formula, "fluorite", a=a, cubic=True)


def perovskite(large, small):
    places = [(0.5, 0.5, 0.5), (0, 0, 0), (0.5, 0, 0)]
    return crystal([large, small, "O"], places, spacegroup=221, cellpar=[3.9, 3.9, 3.9, 90, 90, 90])


def slab():
    atoms = fcc111("Pt", (2, 2, 3), vacuum=8)
    add_adsorbate(atoms, "O", 1.2, "fcc")
    return atoms


STRUCTURES = {
    "Cu": bulk("Cu"),
    "Al": bulk("Al", cubic=True),
    "Si": bulk("Si"),
    "C": bulk("C"),
    "GaAs": bulk("GaAs", "zincblende", a=5.65),
    "NaCl": rocksalt("NaCl", 5.64),
    "MgO": rocksalt("MgO", 4.21),
    "LiF": rocksalt("LiF", 4.03),
    "KBr": rocksalt("KBr", 6.6),
    "Fe": bulk("Fe"),
    "Fe antiparallel": with_moments(bulk("Fe", cubic=True), [2.3, -2.3]),
    "Ni": bulk("Ni"),
    "Co": bulk("Co"),
    "Cr": with_moments(bulk("Cr", cubic=True), [1.5, -1.5]),
    "Mn without moments": Atoms("Mn", cell=bulk("Fe").cell, pbc=True),
    "FeO": rocksalt("FeO", 4.33),
    "NiO in two lattices": rocksalt("NiO", 4.17, [2, 0, -2, 0, 2, 0, -2, 0]),
    "MnO": rocksalt("MnO", 4.44),
    "CoO": rocksalt("CoO", 4.26),
    "VO": rocksalt("VO", 4.06),
    "FeF2": fluorite("FeF2", 5.3),
    "CeO2": fluorite("CeO2", 5.41),
    "UO2": fluorite("UO2", 5.47),
    "GdN": rocksalt("GdN", 5.0),
    "EuO": rocksalt("EuO", 5.14),
    "SrTiO3": crystal(
        ["Sr", "Ti", "O"], [(0.5, 0.5, 0.5), (0, 0, 0), (0.5, 0, 0)], spacegroup=221, cellpar=[3.9] * 3 + [90] * 3
    ),
    "LaFeO3": crystal(
        ["La", "Fe", "O"], [(0.5, 0.5, 0.5), (0, 0, 0), (0.5, 0, 0)], spacegroup=221, cellpar=[3.9] * 3 + [90] * 3
    ),
    "slab": slab(),
    "molecule": molecule("H2O", vacuum=6, pbc=True),
    "one atom": Atoms("O", cell=[12, 12, 12], pbc=True),
    "hexagonal": bulk("Zn"),
    "left-handed": Atoms(
        "CuAu", cell=bulk("Cu").cell[[1, 0, 2]], pbc=True, scaled_positions=[(0, 0, 0), (0.5, 0.5, 0.5)]
    ),
}


@pytest.fixture(autouse=True)
def programs(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    for name in ("vasp_std", "vasp_gam"):
        standins.install(name, tmp_path / "bin", "vasp")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.setenv("VASP_PP_PATH", str(tmp_path / "potentials"))
    (tmp_path / "potentials").mkdir()


def class_of(kind):
    if not kind.startswith("OMat24"):
        return getattr(sets, kind)
    reason = reason_to_skip("omat24")
    if reason:
        pytest.skip(reason)
    place = sets.MODULE_DIR
    try:
        return getattr(import_module("fairchem.data.omat.vasp.sets"), kind)
    finally:
        sets.MODULE_DIR = place


def by_pymatgen(atoms, name, **more):
    """The set of pymatgen, for species in the order of ASE's POSCAR."""
    species = list(dict.fromkeys(atoms.symbols))
    order = sorted(range(len(atoms)), key=lambda index: species.index(atoms.symbols[index]))
    moments = atoms.get_initial_magnetic_moments()[order]
    structure = Structure(
        Lattice(atoms.cell.array),
        [atoms.symbols[i] for i in order],
        atoms.get_scaled_positions(wrap=False)[order],
        site_properties={"magmom": moments.tolist()} if moments.any() else None,
    )
    kind, options = SETS[name]
    return class_of(kind)(structure, sort_structure=False, **options, **more)


def put_potentials(made, directory):
    version = made.potcar_functional.removesuffix("_W_HASH").partition("_")[2]
    for symbol in made.potcar_symbols:
        folder = directory / f"potpaw_PBE{version and '.'}{version}" / symbol
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "POTCAR").write_text(potcar(symbol))


# Sets that differ from another one in tags that no structure changes, and structures that show it.
VARIANTS = {"mp_pbesol_relax", "mp24_pbesol_relax", "omat24_relax"}
FEW = {"Cu", "MgO", "NiO in two lattices", "CeO2", "slab"}


def pairs():
    for name in SETS:
        for structure in STRUCTURES:
            few = name not in VARIANTS or structure in FEW
            marks = () if few else pytest.mark.deep(reason="a structure tells nothing new about a variant of a set")
            yield pytest.param(name, structure, marks=marks)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "structure"), pairs())
def test_the_input_is_that_of_pymatgen(name, structure, tmp_path):
    atoms = STRUCTURES[structure]
    theirs = by_pymatgen(atoms, name)
    put_potentials(theirs, tmp_path / "potentials")
    made = make_vasp(atoms, input_set=name)
    made.directory = str(tmp_path / "run")
    (tmp_path / "run").mkdir()
    made.write_input(made.given(atoms), ["energy"], [])
    own = Incar.from_file(tmp_path / "run" / "INCAR")
    expected = dict(theirs.incar)
    assert own.keys() - expected.keys() <= {"LDAUPRINT"}, own.keys() - expected.keys()
    for tag, value in expected.items():
        if np.ndim(value):
            assert own[tag] == pytest.approx(value, abs=1e-4), tag
        elif isinstance(value, float):
            assert own[tag] == pytest.approx(value), tag
        else:
            assert str(own[tag]).lower() == str(value).lower(), tag
    if theirs.kpoints is None:
        assert not (tmp_path / "run" / "KPOINTS").exists()
    else:
        grid = Kpoints.from_file(tmp_path / "run" / "KPOINTS")
        assert (grid.style, grid.kpts) == (theirs.kpoints.style, theirs.kpoints.kpts)
    lines = (tmp_path / "run" / "POTCAR").read_text().splitlines()
    assert [line.split()[3] for line in lines if "TITEL" in line] == theirs.potcar_symbols


def test_what_the_user_gives_wins(tmp_path):
    atoms = STRUCTURES["FeO"]
    put_potentials(by_pymatgen(atoms, "mp_gga_relax"), tmp_path / "potentials")
    made = make_vasp(atoms, input_set="mp_gga_relax", encut=600, lreal=False, laechg=None, ldau_luj=None, ldau=False)
    made.directory = str(tmp_path / "run")
    (tmp_path / "run").mkdir()
    made.write_input(made.given(atoms), ["energy"], [])
    own = Incar.from_file(tmp_path / "run" / "INCAR")
    assert (own["ENCUT"], own["LREAL"], own["LDAU"]) == (600, False, False)
    assert "LDAUU" not in own


def test_the_grid_of_a_set():
    atoms = STRUCTURES["Cu"]
    found = k_grid(atoms, {"input_set": "mp_gga_relax"})
    assert found == {key: arguments_of("mp_gga_relax", atoms)[key] for key in ("kpts", "gamma")}
    assert k_grid(atoms, {"input_set": "matpes_pbe_static"})["kpts"] == [14, 14, 14]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("bandgap", [0.0, 0.5, 2.0, 6.0])
@pytest.mark.parametrize("name", ["mp_pbesol_relax", "mp_r2scan_relax", "mp_r2scan_static", "mp24_relax"])
def test_the_band_gap_chooses_the_smearing_and_the_k_points(name, bandgap):
    expected = by_pymatgen(STRUCTURES["MgO"], name, bandgap=bandgap).incar
    found = arguments_of(name, STRUCTURES["MgO"], bandgap)
    assert {tag: found[tag.lower()] for tag in ("KSPACING", "ISMEAR", "SIGMA")} == {
        tag: expected[tag] for tag in ("KSPACING", "ISMEAR", "SIGMA")
    }
    metal = arguments_of(name, STRUCTURES["MgO"], 0.0)
    assert (found["kspacing"] > metal["kspacing"]) == (bandgap > 0)
    numbers = k_grid(STRUCTURES["MgO"], {"input_set": name, "bandgap": bandgap})["kpts"]
    assert numbers == k_grid(STRUCTURES["MgO"], {"kspacing": found["kspacing"]})["kpts"]


def test_a_band_gap_is_for_sets():
    with pytest.raises(InputError, match=r"bandgap is 1.0, which only input sets have a use for"):
        make_vasp(bulk("Cu"), bandgap=1.0)


@pytest.mark.filterwarnings("ignore")
def test_the_package_of_omat24_changes_nothing_of_pymatgen(monkeypatch):
    class_of("OMat24StaticSet")
    place = sets.MODULE_DIR
    monkeypatch.delitem(sys.modules, "fairchem.data.omat.vasp.sets")
    arguments_of("omat24_static", bulk("Cu"))
    assert place == sets.MODULE_DIR == os.path.dirname(sets.__file__)


def test_omat24_is_not_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "fairchem.data.omat.vasp", None)
    with pytest.raises(MissingExtraError, match=r"fairchem-data-omat.*pip install 'adatom\[omat24\]'"):
        arguments_of("omat24_static", bulk("Cu"))


def test_an_unknown_set_is_refused():
    with pytest.raises(UnknownNameError, match="input set of VASP 'mp_gga'. Did you mean 'mp_"):
        make_vasp(bulk("Cu"), input_set="mp_gga")


def test_what_pymatgen_refuses_is_told():
    with pytest.raises(InputError, match="pymatgen's MPRelaxSet refuses"):
        arguments_of("mp_gga_relax", Atoms("Og", cell=[9, 9, 9], pbc=True))
