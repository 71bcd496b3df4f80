import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.db import connect
from ase.io import write

from adatom.cli.structures import read_structures
from adatom.errors import InputError


@pytest.fixture(autouse=True)
def files():
    metals = [bulk("Cu"), bulk("Ag"), bulk("Au")]
    write("metals.xyz", metals)
    write("copper.cif", metals[0])
    write("odd@name.xyz", metals[1])
    with connect("metals.db") as database:
        for metal in metals:
            database.write(metal, kind="noble" if metal.symbols[0] == "Au" else "coin")
    write("empty.xyz", Atoms())
    write("nan.xyz", Atoms("Cu", positions=[[np.nan, 0, 0]]))
    with open("noise.xyz", "w") as file:
        file.write("this is\nno structure\n")
    Path("words.cif").write_text("words\n")
    with open("noise.abc", "w") as file:
        file.write("this is\nno structure\n")


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("metals.xyz", ["Au"]),
        ("metals.xyz@0", ["Cu"]),
        ("metals.xyz@-2", ["Ag"]),
        ("metals.xyz@:", ["Cu", "Ag", "Au"]),
        ("metals.xyz@1:", ["Ag", "Au"]),
        ("metals.xyz@::2", ["Cu", "Au"]),
        ("./copper.cif", ["Cu"]),
        ("odd@name.xyz", ["Ag"]),
        ("odd@name.xyz@0", ["Ag"]),
        ("metals.db", ["Au"]),
        ("metals.db@0", ["Cu"]),
        ("metals.db@id=2", ["Ag"]),
        ("metals.db@kind=coin", ["Cu", "Ag"]),
        ("metals.db@:2", ["Cu", "Ag"]),
    ],
)
def test_files(text, formulas):
    assert [atoms.get_chemical_formula() for atoms in read_structures(text)] == formulas


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bulk:Cu", bulk("Cu")),
        ("bulk:Cu,cubic=true", bulk("Cu", cubic=True)),
        ("bulk:Cu,a=3.7", bulk("Cu", a=3.7)),
        ("bulk:NaCl,rocksalt,a=5.64", bulk("NaCl", "rocksalt", a=5.64)),
        ("bulk:NaCl, crystalstructure=rocksalt, a=5.64", bulk("NaCl", "rocksalt", a=5.64)),
        ("bulk:Bi,rhombohedral,a=4.7,alpha=57.2,basis=[[0,0,0]]",
         bulk("Bi", "rhombohedral", a=4.7, alpha=57.2, basis=[[0, 0, 0]])),
        ("molecule:H2O", molecule("H2O")),
        ("molecule:C60", molecule("C60")),
        ("molecule:CO,vacuum=5,pbc=true", molecule("CO", vacuum=5, pbc=True)),
    ],
)  # fmt: skip
def test_built(text, expected):
    (atoms,) = read_structures(text)
    assert atoms == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("missing.xyz", "no file 'missing.xyz'"),
        ("missing.xyz@2", "no file 'missing.xyz'"),
        ("bluk:Cu", "no file 'bluk:Cu'"),
        ("metals.xyz@3", "no structure 3"),
        ("metals.db@7", "no structure 7"),
        ("metals.xyz@a", "cannot read 'metals.xyz@a'"),
        ("metals.xyz@1:b", "cannot read 'metals.xyz@1:b'"),
        ("metals.xyz@2:1", "selects no structure"),
        ("metals.db@id=9", "selects no structure"),
        ("noise.xyz", "cannot read 'noise.xyz'"),
        ("words.cif", "cannot read 'words.cif': it is cut off, or not in the format that its name says"),
        ("noise.abc", "cannot tell the format"),
        ("empty.xyz", "empty.xyz: The structure has no atoms"),
        ("nan.xyz", "nan.xyz: Atom 0"),
        ("bulk:Xx", "No suitable reference data"),
        ("bulk:", "bulk:"),
        ("bulk:NaCl", "bulk:NaCl,rocksalt,a=5.64"),
        ("bulk:Cu,fccc", "Unknown structure"),
        ("bulk:Cu,fcc,cubic", "'cubic' is not KEY=VALUE"),
        ("bulk:Cu,cubik=true", "Did you mean 'cubic'"),
        ("bulk:Cu,a=long", "TypeError"),
        ("molecule:H2OO", "Did you mean 'H2O'"),
        ("molecule:Cu", "Unknown molecule 'Cu'"),
        ("molecule:H2O,size=5", "Unknown key of molecule 'size'"),
        ("molecule:H2O,vacuum=far", "molecule:H2O,vacuum=5"),
    ],
)
def test_bad_structures(text, said):
    with pytest.raises(InputError) as caught:
        read_structures(text)
    assert said in str(caught.value)


def test_the_standard_input(tmp_path):
    """Another program's output, in a format that needs no name of a file."""
    metals = [bulk("Cu"), bulk("Au")]
    write(tmp_path / "metals.xyz", metals)
    (tmp_path / "noise").write_bytes(bytes(range(256)))
    (tmp_path / "empty").touch()

    def given(name, word="-"):
        text = f"from adatom.cli.structures import read_structures as r; print([str(a.symbols) for a in r({word!r})])"
        with (tmp_path / name).open() as stdin:
            return subprocess.run([sys.executable, "-c", text], stdin=stdin, capture_output=True, text=True)

    assert given("metals.xyz").stdout == "['Au']\n"
    assert given("metals.xyz", "-@:").stdout == "['Cu', 'Au']\n"
    assert "cannot be read as extxyz" in given("noise").stderr
    assert "The standard input is empty" in given("empty").stderr
