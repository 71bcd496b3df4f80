"""Structures from one file into another."""

import os
from pathlib import Path

import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms, FixBondLength
from ase.io import read, write

from adatom import change_settings
from adatom.cli.actions import convert as action
from adatom.configs import ConfigSet, StoreWriter, map


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def structures():
    found = [bulk("Cu"), molecule("H2O"), bulk("Cu", cubic=True)]
    for number, atoms in enumerate(found):
        atoms.info["number"] = number
        atoms.calc = EMT()
        atoms.get_forces()
    write("a.xyz", found)
    return found


def test_there_and_back(cli, structures):
    pytest.importorskip("lmdb")
    for source, target in (("a.xyz", "b.lmdb"), ("b.lmdb", "c.xyz"), ("c.xyz", "d.traj"), ("d.traj", "e.lmdb")):
        result = cli("convert", source, target)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == f"Wrote 3 structures to {target}\n"
        found = list(ConfigSet(target))
        assert found == read("a.xyz", ":")
        assert [atoms.get_potential_energy() for atoms in found] == [
            atoms.get_potential_energy() for atoms in structures
        ]
    assert Path("a.xyz").read_text() == Path("c.xyz").read_text()
    assert sorted(os.listdir()) == ["a.xyz", "b.lmdb", "c.xyz", "d.traj", "e.lmdb"]


@pytest.mark.parametrize("target", ["b.xyz", "b.lmdb", "b.traj"])
def test_groups_are_kept(cli, target):
    map(lambda atoms: atoms, ConfigSet([[bulk("Cu")], bulk("Ag"), [bulk("Au")] * 2]), "a.xyz")
    cli("convert", "a.xyz", target)
    assert [len(group) for group in ConfigSet(target).groups()] == [1, 1, 2]
    assert [isinstance(group, ConfigSet) for group in ConfigSet(target).groups()] == [True, False, True]


def test_what_a_format_does_not_hold_is_said(cli, structures):
    assert cli("convert", "a.xyz", "b.json").stderr.splitlines()[1:] == ["It does not hold number; .xyz and .lmdb do."]
    assert "number" not in read("b.json").info
    assert cli("convert", "a.xyz", "b.extxyz").stderr == "Wrote 3 structures to b.extxyz\n"


def test_what_any_structure_loses_is_said(cli, structures):
    structures[1].info["note"] = "only here"
    structures[2].set_constraint(FixAtoms([0]))
    structures[2].set_tags([1, 0, 0, 0])
    structures[2].calc = SinglePointCalculator(structures[2], energy=1.0)
    with StoreWriter("a.lmdb") as store:
        store.append(structures)
    said = cli("convert", "a.lmdb", "b.cif").stderr
    assert all(f" {what}" in said for what in ("number", "note", "energy", "forces", "constraints (FixAtoms)", "tags"))
    assert cli("convert", "a.lmdb", "c.xyz").stderr == "Wrote 3 structures to c.xyz\n"


def test_what_extended_xyz_does_not_hold_is_refused(refused, structures):
    structures[1].set_constraint(FixBondLength(0, 1))
    with StoreWriter("a.lmdb") as store:
        store.append(structures)
    assert "Structure 1 does not fit into b.xyz: constraints: " in refused("convert", "a.lmdb", "b.xyz")
    assert "XDATCAR.xyz: because of its name" in refused("convert", "a.lmdb", "XDATCAR.xyz")
    assert sorted(os.listdir()) == ["a.lmdb", "a.xyz"]


def test_a_file_without_structures_is_not_converted(refused):
    Path("a.xyz").write_text("\n")
    for target in ("b.xyz", "b.lmdb", "b.traj"):
        assert "a.xyz holds no structure. Nothing is written" in refused("convert", "a.xyz", target)
    assert os.listdir() == ["a.xyz"]


def test_nothing_is_replaced_unless_asked_for(cli, refused, structures):
    write("b.xyz", structures[:1])
    assert "b.xyz is there already" in refused("convert", "a.xyz", "b.xyz")
    assert len(ConfigSet("b.xyz")) == 1
    assert cli("convert", "a.xyz", "b.xyz", "--overwrite").exit_code == 0
    assert len(ConfigSet("b.xyz")) == 3
    assert cli("convert", "a.xyz", "a.xyz", "--overwrite").exit_code == 0
    assert len(ConfigSet("a.xyz")) == 3


@pytest.mark.parametrize("target", ["b.xyz", "b.lmdb", "b.traj"])
def test_what_is_not_complete_does_not_appear(target, refused, structures):
    if target == "b.lmdb":
        pytest.importorskip("lmdb")
    text = Path("a.xyz").read_text().splitlines(keepends=True)
    Path("a.xyz").write_text("".join(text[:-1]))
    assert "Structure 2 of a.xyz cannot be read" in refused("convert", "a.xyz", target)
    assert os.listdir() == ["a.xyz"]


def test_formats_that_are_not_written(refused, structures):
    assert "ASE writes no files such as b.what" in refused("convert", "a.xyz", "b.what")
    assert "holds one structure, and here are 3" in refused("convert", "a.xyz", "b.gen")
    assert "There is no file 'c.xyz'" in refused("convert", "c.xyz", "b.xyz")
    assert os.listdir() == ["a.xyz"]


def test_progress_is_on_the_standard_error(cli, structures, monkeypatch):
    monkeypatch.setattr(action, "_EVERY", -1)
    with change_settings(progress=True):
        lines = cli("convert", "a.xyz", "b.xyz").stderr.splitlines()
    assert [line.split(",")[0] for line in lines[:-1]] == ["1 structures", "2 structures", "3 structures"]
    assert lines[-1] == "Wrote 3 structures to b.xyz"
