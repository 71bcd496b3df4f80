"""Codes that tests need.

``TEST_CODES`` names codes, by comma: one of them that is missing is installed, if it is a program of Debian's, or else
a failure. Without any other, what needs it is skipped, with the line that installs it.
"""

import os
from importlib.util import find_spec

import pytest

from tests.infra import machine

WANTED = [name for name in os.environ.get("TEST_CODES", "").split(",") if name]

# Modules, and the extra that brings them.
PACKAGES = {
    "tblite": (("tblite",), "tblite"),
    "pyscf": (("pyscf",), "pyscf"),
    "dispersion": (("dftd3", "dftd4"), "dispersion"),
    "defects": (("pymatgen.analysis.defects",), "defects"),
    "custodian": (("custodian",), "custodian"),
    "omat24": (("fairchem",), "omat24"),
    "sella": (("sella",), "sella"),
    "smiles": (("rdkit",), "smiles"),
    "descriptors": (("dscribe",), "descriptors"),
    "gap": (("quippy",), "gap"),
    "phonons": (("phonopy",), "phonons"),
    "chgnet": (("chgnet",), "chgnet"),
    "sevennet": (("sevenn",), "sevennet"),
    "mace": (("mace",), "mace"),
    "matcalc": (("matcalc",), "matcalc"),
}
# Commands and directories, and the Debian packages that bring them.
PROGRAMS = {
    "abinit": (("abinit", "/usr/share/abinit"), ("abinit", "abinit-data")),
    "cp2k": (("cp2k.psmp", "/usr/share/cp2k"), ("cp2k", "cp2k-data")),
    "elk": (("elk-lapw",), ("elk-lapw",)),
    "espresso": (("pw.x", "mpirun"), ("quantum-espresso", "quantum-espresso-data", "openmpi-bin")),
    "mopac": (("mopac",), ("mopac",)),
    "nwchem": (("nwchem",), ("nwchem", "nwchem-data")),
    "gpaw": (("gpaw",), ("gpaw", "gpaw-data")),
    "psi4": (("psi4",), ("psi4",)),
    "lammps": (("lmp", "mpirun"), ("lammps", "lammps-data", "openmpi-bin")),
    "chromium": (("chromium",), ("chromium",)),  # in which pages are tested
}
# Debian's Python, which has the packages of those programs that are a package.
INTERPRETERS = {"gpaw": "/usr/bin/python3", "psi4": "env PYTHONPATH=/usr/lib/x86_64-linux-gnu /usr/bin/python3"}
CODES = {*PACKAGES, *PROGRAMS}
assert set(WANTED) <= CODES, f"TEST_CODES is {','.join(WANTED)}. Valid: {', '.join(sorted(CODES))}."


def interpreters() -> dict[str, str]:
    """Variables that name the Python of the programs that are a package, where these are tested."""
    tested = [name for name in INTERPRETERS if name in WANTED or all(map(machine.find, PROGRAMS[name][0]))]
    return {f"ADATOM_INTERPRETERS__{name.upper()}": INTERPRETERS[name] for name in tested}


def reason_to_skip(name: str) -> str | None:
    """What installs a code, where a test that needs it is to be skipped."""
    if name in PROGRAMS:
        commands, packages = PROGRAMS[name]
        there, how = all(map(machine.find, commands)), f"apt-get install {' '.join(packages)}"
    else:
        modules, extra = PACKAGES[name]
        there, how = all(map(find_spec, modules)), f"pip install 'adatom[{extra}]'"
    return None if there or name in WANTED else how


def needs_code(name: str) -> pytest.MarkDecorator:
    """A mark for tests that cannot run without a code."""
    reason = reason_to_skip(name)
    return pytest.mark.skipif(reason is not None, reason=reason or "")


def provide_code(name: str) -> None:
    """For a test that needs a code: skip it, or install its programs."""
    if reason := reason_to_skip(name):
        pytest.skip(reason)
    if name not in PROGRAMS:
        return
    for variable in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
        os.environ[variable] = "1"  # in a container tests are root's, whom mpirun refuses
    commands, packages = PROGRAMS[name]
    if not all(map(machine.find, commands)):
        with machine.alone(f"code-{name}", seconds=600):
            machine.install(commands, packages)
