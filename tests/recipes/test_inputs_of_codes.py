"""What each program receives: the structure, however it is described, or a refusal that names what it cannot take.

The programs here only keep their input and end with an error. The input is read back by readers of ASE where it has
one, and is compared by what does not depend on the description: distances, hands, moments and charges.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.config import cfg
from ase.constraints import FixAtoms, FixBondLengths, FixCartesian
from ase.io import read
from ase.io.jsonio import decode
from ase.neighborlist import neighbor_list
from ase.units import Bohr

from adatom import JobFailure, change_settings
from adatom.errors import InputError, ProgramError
from adatom.recipes.registry import codes
from tests.recipes.descriptions import CHANGES
from tests.standins.vasp import potcar

IN_CELLS = ("turned_vectors", "left_handed", "reversed_vectors", "sheared", "wrapped", "unwrapped")
ALWAYS, AS_GIVEN, WHOLE, NEVER = "always periodic", "as given", "along three vectors or none", "never"
FLOAT = r"(-?\d+\.?\d*(?:[eE][-+]?\d+)?)"
# Without files for the program: potentials of ASE's, of this Python, or the choice of the user.
NOT_FILES = {"ase", "emt", "lj", "mlip", "pyscf", "tblite"}


def text(name: str) -> str:
    return Path(name).read_text()


def found(pattern: str, name: str, default: Any = None) -> Any:
    match = re.search(pattern, text(name))
    return match[1] if match else default


def rows_of(name: str, flags: str = "") -> Atoms:
    """Atoms of lines with a symbol and coordinates."""
    lines = re.findall(rf"(?m)^\s*([A-Z][a-z]?)\s+{FLOAT}{flags}\s+{FLOAT}{flags}\s+{FLOAT}{flags}\s*$", text(name))
    return Atoms([line[0] for line in lines], [[float(x) for x in line[1:]] for line in lines])


def of_vasp() -> Atoms:
    atoms, moments = read("POSCAR", format="vasp"), found(r"MAGMOM = (.*)", "INCAR")
    if moments:
        words = [word.rpartition("*") for word in moments.split()]
        atoms.set_initial_magnetic_moments([float(x) for n, _, x in words for _ in range(int(n or 1))])
    return atoms


def of_espresso() -> Atoms:
    atoms = read("espresso.pwi", format="espresso-in")
    given = text("espresso.pwi")
    species = re.findall(r"(?m)^(\w+) +[\d.]+ +\S+\.UPF", given)
    starts = {
        species[int(n) - 1]: float(x) for n, x in re.findall(rf"starting_magnetization\((\d+)\) = {FLOAT}", given)
    }
    labels = re.findall(r"(?m)^(\w+) ", given[given.index("ATOMIC_POSITIONS") :])[1:]
    atoms.set_initial_magnetic_moments([starts.get(label, 0) for label in labels])
    return atoms


def of_cp2k() -> Atoms:
    given = text("cp2k.inp")
    moments = dict(re.findall(rf"(?s)&KIND (\S+)(?:(?!&END).)*?MAGNETIZATION {FLOAT}", given))
    places = re.findall(rf"(?m)^\s*(\w+) {FLOAT} {FLOAT} {FLOAT}", re.search(r"(?s)&COORD(.*?)&END", given)[1])
    cell = [re.search(rf"(?m)^\s*{axis}\s+{FLOAT} {FLOAT} {FLOAT}", given).groups() for axis in "ABC"]
    return Atoms(
        [label.partition("_")[0] for label, *_ in places],
        np.array([place for _, *place in places], float),
        cell=np.array(cell, float),
        pbc=[axis in re.search(r"PERIODIC (\w+)", given)[1] for axis in "XYZ"],
        magmoms=[float(moments.get(label, 0)) for label, *_ in places],
    )


def of_elk() -> Atoms:
    given = text("elk.in")
    cell = np.array(re.search(r"avec\n((?:.*\n){3})", given)[1].split(), float).reshape(3, 3) * Bohr
    symbols, places, moments = [], [], []
    for symbol, lines in re.findall(r"'(\w+)\.in' : spfname\n\s*\d+\n((?: +[-\d. ]+(?:\n|$))+)", given):
        for line in lines.splitlines():
            numbers = [float(x) for x in line.split()]
            symbols, places, moments = [*symbols, symbol], [*places, numbers[:3]], [*moments, numbers[-1] / -0.03]
    return Atoms(symbols, scaled_positions=places, cell=cell, pbc=True, magmoms=moments)


def of_dftb() -> Atoms:
    atoms, given = read("geo_end.gen", format="gen"), text("dftb_in.hsd")
    if spins := re.search(r"AllAtomSpins = \{([^}]*)", given):
        atoms.set_initial_magnetic_moments([float(x) for x in spins[1].split()])
    return atoms


def of_onetep() -> Atoms:
    atoms, given = read("onetep.dat", format="onetep-in"), text("onetep.dat")
    moments = dict(re.findall(rf'(?m)^(\w+) "SOLVE INIT SPIN={FLOAT}"', given))
    labels = re.findall(rf"(?m)^(\w+) {FLOAT} {FLOAT} {FLOAT}$", given)
    atoms.set_initial_magnetic_moments([float(moments.get(label, 0)) for label, *_ in labels])
    return atoms


def of_gulp() -> Atoms:
    given = text("gulp.gin")
    numbers = [line.split() for line in re.findall(r"(?m)^\w+ core .*", given)]
    cell = re.search(r"vectors\n((?:.*\n){3})", given)
    rows, symbols = np.array([line[2:5] for line in numbers], float), [line[0] for line in numbers]
    atoms = (
        Atoms(symbols, scaled_positions=rows, cell=np.array(cell[1].split(), float).reshape(3, 3), pbc=True)
        if cell
        else Atoms(symbols, rows)
    )
    atoms.set_initial_charges([float(line[5]) if len(line) > 5 else 0 for line in numbers])
    return atoms


def of_lammps() -> Atoms:
    style = found(r"atom_style (\w+)", "lammps.in")
    atoms = read("lammps.data", format="lammps-data", atom_style=style, units="metal")
    atoms.pbc = [word == "p" for word in found("boundary (.*)", "lammps.in").split()]
    return atoms


def of_request() -> Atoms:
    return Atoms(**decode(text("request.json"))["atoms"])


def argument(name: str) -> Any:
    return decode(text("request.json"))["arguments"].get(name)


def charge_of_vasp() -> float:
    electrons = found(rf"NELECT = {FLOAT}", "INCAR")
    counts = dict(zip(*(line.split() for line in text("POSCAR").splitlines()[5:7]), strict=True))
    neutral = sum(VALENCE[symbol] * int(number) for symbol, number in counts.items())
    return 0 if electrons is None else neutral - float(electrons)


WORDS = {"SINGLET": 1, "DOUBLET": 2, "TRIPLET": 3, "QUARTET": 4, "QUINTET": 5}
VALENCE = {"Al": 3, "Ni": 10, "O": 6, "H": 1}


@dataclass(frozen=True)
class Row:
    """How a code is called here, and how its input is read.

    Attributes
    ----------
    program
        Name of the program; empty for a code in another Python.
    atoms
        Function that reads the structure from the files in the working directory.
    charge, multiplicity
        Functions that read these; None: the code has none.
    periodic
        Which periodicity the program can have.
    moments, charges
        Whether the structure that is read has the moments and the charges of the atoms.
    """

    code: str
    program: str
    atoms: Callable[[], Atoms]
    settings: dict[str, Any] = field(default_factory=dict)
    charge: Callable[[], Any] | None = None
    multiplicity: Callable[[], Any] | None = None
    periodic: str = ALWAYS
    moments: bool = True
    charges: bool = False

    @property
    def of_molecules(self) -> bool:
        return self.periodic == NEVER

    def __str__(self) -> str:
        return self.code


def molecular(code, program, atoms, charge, multiplicity, **more):
    return Row(code, program, atoms, charge=charge, multiplicity=multiplicity, periodic=NEVER, moments=False, **more)


SPACED = {"kspacing": 0.9}
CONSTANTS = {"Hamiltonian_SpinConstants_": "", **{f"Hamiltonian_SpinConstants_{one}": "{-0.02}" for one in VALENCE}}
ROWS = [
    Row("vasp", "vasp_std", of_vasp, charge=charge_of_vasp),
    Row(
        "espresso",
        "pw.x",
        of_espresso,
        {"pseudopotentials": {one: f"{one}.UPF" for one in VALENCE}, "input_data": {"ecutwfc": 20}, **SPACED},
        lambda: found(rf"tot_charge += {FLOAT}", "espresso.pwi", 0),
    ),
    Row(
        "abinit",
        "abinit",
        lambda: read("abinit.in", format="abinit-in"),
        {"pps": "hgh", "ecut": 300, **SPACED},
        lambda: found(rf"cellcharge {FLOAT}", "abinit.in", 0),
    ),
    Row("cp2k", "cp2k.psmp", of_cp2k, SPACED, lambda: found(r"CHARGE (-?\d+)", "cp2k.inp", 0), periodic=WHOLE),
    Row("elk", "elk-lapw", of_elk, SPACED, lambda: -float(found(rf"chgexs\n +{FLOAT}", "elk.in", 0))),
    Row(
        "castep",
        "castep",
        lambda: read("castep.cell", format="castep-cell"),
        SPACED,
        lambda: found(rf"(?m)^charge : {FLOAT}", "castep.param", 0),
    ),
    Row(
        "aims",
        "aims.x",
        lambda: read("geometry.in", format="aims"),
        SPACED,
        lambda: found(rf"(?m)^charge +{FLOAT}", "control.in", 0),
        periodic=WHOLE,
        charges=True,
    ),
    Row(
        "onetep",
        "onetep",
        of_onetep,
        {},
        lambda: found(rf"(?m)^charge : {FLOAT}", "onetep.dat", 0),
    ),
    Row(
        "gpaw",
        "",
        of_request,
        SPACED,
        lambda: argument("charge") or 0,
        periodic=AS_GIVEN,
        charges=True,
    ),
    Row(
        "dftb",
        "dftb+",
        of_dftb,
        {**SPACED, **CONSTANTS},
        lambda: found(rf"Charge = {FLOAT}", "dftb_in.hsd", 0),
        lambda: float(found(rf"UnpairedElectrons = {FLOAT}", "dftb_in.hsd", 0)) + 1,
        periodic=WHOLE,
    ),
    Row("gulp", "gulp", of_gulp, {"options": ["buck"]}, periodic=WHOLE, moments=False, charges=True),
    Row(
        "lammps",
        "lmp",
        of_lammps,
        {"pair_style": "lj/cut 6", "pair_coeff": ["* * 0.1 2.3"]},
        periodic=AS_GIVEN,
        moments=False,
        charges=True,
    ),
    molecular(
        "nwchem",
        "nwchem",
        lambda: read("nwchem.nwi", format="nwchem-in"),
        lambda: found(rf"(?m)^charge {FLOAT}", "nwchem.nwi"),
        lambda: found(r"mult (\d+)", "nwchem.nwi", 1),
    ),
    molecular(
        "mopac",
        "mopac",
        lambda: rows_of("mopac.mop", " 1"),
        lambda: found(r"CHARGE=(-?\d+)", "mopac.mop", 0),
        lambda: WORDS[found(f"({'|'.join(WORDS)})", "mopac.mop", "SINGLET")],
    ),
    molecular(
        "orca",
        "orca",
        lambda: rows_of("orca.inp"),
        lambda: found(r"\*xyz (\S+) ", "orca.inp"),
        lambda: found(r"\*xyz \S+ (\d+)", "orca.inp"),
    ),
    molecular(
        "gaussian",
        "g16",
        lambda: read("Gaussian.com", format="gaussian-in"),
        lambda: found(r"\n\n(-?\d+) \d+\n", "Gaussian.com"),
        lambda: found(r"\n\n-?\d+ (\d+)\n", "Gaussian.com"),
        settings={"method": "b3lyp", "basis": "6-31G*"},
    ),
    molecular(
        "qchem",
        "qchem",
        lambda: rows_of("qchem.inp"),
        lambda: found(r"\$molecule\n(\S+) ", "qchem.inp"),
        lambda: found(r"\$molecule\n\S+ (\d+)", "qchem.inp"),
    ),
    molecular(
        "mrcc",
        "dmrcc",
        lambda: rows_of("MINP"),
        lambda: found(r"charge=(\S+)", "MINP"),
        lambda: found(r"mult=(\d+)", "MINP"),
    ),
    molecular("psi4", "", of_request, lambda: argument("charge"), lambda: argument("multiplicity")),
]
SOLIDS, MOLECULES = [r for r in ROWS if not r.of_molecules], [r for r in ROWS if r.of_molecules]
of_all = pytest.mark.parametrize("row", ROWS, ids=str)

# The writers of these name what their own optimizers hold in all inputs; the forces are whole.
OWN = ("vasp", "espresso")
ENDS = "#!/bin/sh\nexit 3\n"
# CP2K takes commands, and its files are there when it is told to load them.
TAKES_COMMANDS = """#!/bin/sh
echo '* READY'
while read line; do
case "$line" in LOAD*) exit 3 ;; VERSION*) echo 'CP2K Shell Version: 7.0' ;; esac
echo '* READY'
done
"""
KEEPS_THE_REQUEST = "#!/bin/sh\nhead -n 1 >request.json\nexit 3\n"
KEYS = {
    "aims": "default_species_directory",
    "castep": "pp_path",
    "onetep": "pseudo_path",
    "dftb": "skt_path",
    "espresso": "pseudo_dir",
    "abinit": "pp_paths",
    "elk": "sppath",
    "cp2k": "data_dir",
}
SKF = "0.02 500\n0.0 -0.1 -0.2 0.0 0.3 0.3 0.3 8 0 2\n"


@pytest.fixture(scope="module", autouse=True)
def programs(tmp_path_factory):
    """Programs that end at once, and data for the elements."""
    place = tmp_path_factory.mktemp("programs")
    data = place / "data"
    (data / "upf").mkdir(parents=True)
    for one in Atoms("".join(VALENCE)):
        symbol, number = one.symbol, one.number
        (data / f"{number:02}_{symbol}_default").write_text(f"  species        {symbol}\n")
        (data / f"{symbol}_C19.usp").touch()
        (data / f"{symbol}.in").touch()
        (data / "upf" / f"{symbol}.UPF").write_text(f'<PP_HEADER element="{symbol}"/>\n')
        (data / f"{number:02}{symbol.lower()}.{VALENCE[symbol]}.hgh").write_text("title\n1 1 1\n2 1 0 0 2001 0\n")
        (data / f"{number}{symbol.lower()}.{VALENCE[symbol]}.hgh").write_text("title\n1 1 1\n2 1 0 0 2001 0\n")
        for other in VALENCE:
            (data / f"{symbol}-{other}.skf").write_text(SKF)
        folder = data / "vasp" / "potpaw_PBE" / symbol
        folder.mkdir(parents=True)
        (folder / "POTCAR").write_text(potcar(symbol))
    with pytest.MonkeyPatch.context() as patch:
        for row in ROWS:
            program = place / (row.program or f"python-{row.code}")
            scripts = {"cp2k": TAKES_COMMANDS, "gpaw": KEEPS_THE_REQUEST, "psi4": KEEPS_THE_REQUEST}
            program.write_text(scripts.get(row.code, ENDS))
            program.chmod(0o755)
            if row.program:
                folder = data / ("upf" if row.code == "espresso" else "")
                key = {KEYS[row.code]: str(folder)} if row.code in KEYS else {}
                cfg.parser[row.code] = {"command": str(program), **key}
        patch.setenv("VASP_PP_PATH", str(data / "vasp"))
        with change_settings(interpreters={name: str(place / f"python-{name}") for name in ("gpaw", "psi4")}):
            yield place
    for row in ROWS:
        cfg.parser.remove_section(row.code)


def received(row: Row, atoms: Atoms, monkeypatch, job: str = "static_job", **settings) -> None:
    """Run a job, and go to the directory where its program found its input."""
    module = import_module(f"adatom.recipes.{row.code}")
    if not row.program:
        calculator = getattr(module, row.code).calculator(atoms, {**row.settings, **settings})
        with pytest.raises(ProgramError, match="exit status 3"):
            calculator.calculate(atoms)
        return
    with pytest.raises(JobFailure) as caught:
        getattr(module, job)(atoms, calc_kwargs={**row.settings, **settings})
    if isinstance(caught.value.__cause__, InputError) or "InputError" in str(caught.value):
        raise caught.value
    monkeypatch.chdir(caught.value.failure.directory)


def invariants(atoms: Atoms, labels: list[Any]) -> tuple[dict[Any, list[float]], list[Any]]:
    """The distances up to 4.5 Å for each two kinds of atoms, and the hand of each atom's nearest neighbors."""
    i, j, distances, vectors = neighbor_list("ijdD", atoms, 4.5)
    by_kind: dict[Any, list[float]] = {}
    for one, other, distance in zip(i, j, distances, strict=True):
        by_kind.setdefault((labels[one], labels[other]), []).append(distance)
    hands = []
    for index, label in enumerate(labels):
        near = vectors[i == index][np.argsort(distances[i == index])][:3]
        hands.append((label, round(float(np.linalg.det(near)), 4) + 0.0 if len(near) == 3 else 0.0))
    return {kind: sorted(values) for kind, values in sorted(by_kind.items())}, sorted(hands)


def same_structure(row: Row, read_back: Atoms, atoms: Atoms) -> None:
    """Compare what the program received with a structure."""

    def labels(one: Atoms) -> list[Any]:
        moments, charges = one.get_initial_magnetic_moments(), one.get_initial_charges()
        return [
            (symbol, round(moment, 5) + 0.0 if row.moments else 0, round(charge, 5) + 0.0 if row.charges else 0)
            for symbol, moment, charge in zip(one.symbols, moments.tolist(), charges.tolist(), strict=True)
        ]

    expected = atoms.copy()
    if row.periodic == ALWAYS:
        expected.pbc = True
        read_back.pbc = True
    assert read_back.pbc.sum() == expected.pbc.sum()
    (first, hands), (other, other_hands) = (
        invariants(expected, labels(expected)),
        invariants(read_back, labels(read_back)),
    )
    assert first.keys() == other.keys()
    for kind, distances in first.items():
        assert other[kind] == pytest.approx(distances, abs=1e-4), kind
    assert [label for label, _ in hands] == [label for label, _ in other_hands]
    assert [hand for _, hand in hands] == pytest.approx([hand for _, hand in other_hands], abs=3e-3)


def crystal(moments=(2, -1, 0, 0), charges=(1, 0.5, -0.5, 0)) -> Atoms:
    """Two species in turn, in a cell without symmetry."""
    atoms = bulk("Al", cubic=True)
    atoms.symbols[[1, 3]] = "Ni"
    atoms.rattle(0.1, seed=1)
    atoms.set_cell(atoms.cell.array @ [[1, 0.1, 0.2], [0.05, 1.1, 0.1], [0.1, -0.2, 0.95]], scale_atoms=True)
    atoms.set_initial_magnetic_moments(moments)
    atoms.set_initial_charges(charges)
    return atoms


def acid(moments=(0, 1, 1, 0), charges=(0, 0, 0, 0)) -> Atoms:
    """A molecule that has a hand."""
    atoms = molecule("H2O2")
    atoms.rattle(0.1, seed=2)
    atoms.set_initial_magnetic_moments(moments)
    atoms.set_initial_charges(charges)
    return atoms


def system(row: Row, **more) -> Atoms:
    return acid(**more) if row.of_molecules else crystal(**more)


def test_every_code_with_files_is_here():
    assert sorted(row.code for row in ROWS) == sorted({*codes()} - NOT_FILES)


@pytest.mark.parametrize(
    ("row", "change"),
    [(row, change) for row in ROWS for change in ["", *CHANGES] if not (row.of_molecules and change in IN_CELLS)],
    ids=lambda value: str(value) or "as it is",
)
def test_the_structure_is_in_the_input(row, change, monkeypatch):
    atoms = system(row)
    changed = CHANGES[change](atoms) if change else atoms
    received(row, changed, monkeypatch)
    read_back = row.atoms()
    same_structure(row, read_back, atoms)
    if not row.of_molecules and row.periodic != AS_GIVEN and row.code != "espresso":  # pw.x takes both hands
        assert np.linalg.det(read_back.cell.array) > 0
    if row.charge:
        assert float(row.charge()) == pytest.approx(atoms.get_initial_charges().sum())
    if row.of_molecules:
        assert int(row.multiplicity()) == 3


@of_all
def test_a_charge_that_is_given_counts_before_those_of_the_atoms(row, monkeypatch):
    if row.charge is None:
        with pytest.raises(JobFailure, match="Unknown argument of .* 'charge'"):
            received(row, system(row), monkeypatch, charge=-1)
        return
    atoms = system(row, charges=[0, 1, 0, 0]) if row.of_molecules else system(row)
    odd = {"multiplicity": 2} if row.multiplicity or row.code == "cp2k" else {}
    received(row, atoms, monkeypatch, charge=-1, **odd)
    assert float(row.charge()) == -1
    if row.multiplicity:
        assert int(row.multiplicity()) == 2


@of_all
def test_zeros_are_none(row, monkeypatch):
    """Moments and charges of zero, usual masses, tags and labels are in no input."""
    with monkeypatch.context() as there:
        received(row, system(row, moments=None, charges=None), there)
        plain = row.atoms()
        names = [path for path in Path().glob("*") if path.suffix in (".in", ".inp", ".pwi", ".mop", ".com", ".dat")]
        kept = {path.name: re.sub(r"#.*|/\S+", "", path.read_text()) for path in names}
    received(row, CHANGES["labelled"](system(row, moments=None, charges=None)), monkeypatch)
    same_structure(row, row.atoms(), plain)
    for name, said in kept.items():
        assert re.sub(r"#.*|/\S+", "", text(name)) == said


@pytest.mark.parametrize("row", [row for row in ROWS if row.moments], ids=str)
def test_moments_up_and_down(row, monkeypatch):
    """All up, up and down, and all down are three inputs."""
    for moments in ((2, 2, 2, 2), (2, -2, 2, -2), (-2, -2, -2, -2)):
        atoms = system(row, moments=moments, charges=None)
        received(row, atoms, monkeypatch)
        if row.code == "dftb" and sum(moments) < 0:
            atoms.set_initial_magnetic_moments(-np.array(moments))  # the same without a field
        same_structure(row, row.atoms(), atoms)


@pytest.mark.parametrize("row", [row for row in ROWS if row.moments and row.code != "vasp"], ids=str)
def test_moments_that_are_vectors_are_refused(row, monkeypatch):
    with pytest.raises((JobFailure, InputError), match="moments .*are vectors"):
        received(row, system(row, moments=np.ones((4, 3)), charges=None), monkeypatch)


@pytest.mark.parametrize("pbc", [(1, 1, 0), (0, 1, 0), (0, 0, 0)], ids=["slab", "wire", "molecule"])
@pytest.mark.parametrize("row", SOLIDS, ids=str)
def test_what_is_not_periodic(row, pbc, monkeypatch):
    atoms = system(row, moments=(2, -2, 2, 0), charges=None)
    atoms.center(vacuum=5, axis=[axis for axis in range(3) if not pbc[axis]])
    atoms.pbc = pbc
    if row.code == "gulp" and any(pbc):
        with pytest.raises(JobFailure, match="periodic along"):
            received(row, atoms, monkeypatch)
        return
    received(row, atoms, monkeypatch)
    read_back, expected = row.atoms(), atoms.copy()
    if row.periodic == WHOLE and any(pbc):
        expected.pbc = True  # with the vacuum between images
    same_structure(row, read_back, expected)


@pytest.mark.parametrize("pbc", [(1, 1, 1), (1, 1, 0), (0, 1, 0)], ids=["solid", "slab", "wire"])
@pytest.mark.parametrize("row", MOLECULES, ids=str)
def test_what_is_periodic(row, pbc, monkeypatch):
    atoms = acid()
    atoms.center(vacuum=4)
    atoms.pbc = pbc
    if row.code in ("mopac", "nwchem"):
        received(row, atoms, monkeypatch)
        if row.code == "mopac":
            assert text("mopac.mop").count("Tv ") == sum(pbc)
        else:
            assert row.atoms().pbc.sum() == sum(pbc)
        return
    with pytest.raises((JobFailure, InputError), match="is periodic along"):
        received(row, atoms, monkeypatch)


@of_all
def test_constraints_and_isotopes_are_for_what_moves_the_atoms(row, monkeypatch):
    """A single calculation has all its forces, whether or not its input names what is held."""
    atoms = system(row)
    atoms.set_constraint([FixAtoms([0]), FixBondLengths([(1, 2)])] if row.code not in OWN else FixAtoms([0]))
    atoms.set_masses(2 * atoms.get_masses())
    received(row, atoms, monkeypatch)
    read_back = row.atoms()
    assert len(read_back.constraints) == (row.code in OWN)
    same_structure(row, read_back, atoms)


@of_all
def test_an_atom_that_is_none_is_refused(row, monkeypatch):
    atoms = system(row, moments=None, charges=None)
    atoms.symbols[2] = "X"
    with pytest.raises(
        (JobFailure, InputError),
        match=r"Atoms \[2\] of .* are X, which is no element|(parameters|pseudopotential) for X|/X/POTCAR",
    ):
        received(row, atoms, monkeypatch)


def held(row: Row) -> dict[tuple[str, float], list[bool]]:
    """Which coordinates of the input are held, by the symbol and the height of the atom."""
    atoms, found = row.atoms(), {}
    for constraint in atoms.constraints:
        for index in constraint.get_indices():
            mask = constraint.mask if isinstance(constraint, FixCartesian) else np.ones(3, bool)
            found[atoms.symbols[index], round(atoms.positions[index, 2], 4)] = np.array(mask, bool).tolist()
    return found


@pytest.mark.parametrize("change", ["permuted_atoms", "labelled"])
@pytest.mark.parametrize("row", [row for row in ROWS if row.code in OWN], ids=str)
def test_what_the_codes_own_optimizer_holds(row, change, monkeypatch):
    atoms = system(row)
    directions = FixCartesian([2], (True, False, True))
    atoms.set_constraint([FixAtoms([1]), directions])
    masks = {1: [True] * 3, 2: [True, False, True]}
    if row.code == "vasp":  # along its own cell vectors
        with pytest.raises(JobFailure, match="VASP cannot hold what FixCartesian holds"):
            received(row, atoms, monkeypatch, job="relax_job")
        atoms.set_constraint(FixAtoms([1]))
        del masks[2]
    expected = {(atoms.symbols[index], round(atoms.positions[index, 2], 4)): mask for index, mask in masks.items()}
    received(row, CHANGES[change](atoms), monkeypatch, job="relax_job")
    assert held(row) == expected


@pytest.mark.parametrize("row", [row for row in ROWS if row.code in (*OWN, "orca", "qchem")], ids=str)
def test_what_the_codes_own_optimizer_cannot_hold_is_refused(row, monkeypatch):
    atoms = system(row)
    atoms.set_constraint(FixBondLengths([(0, 1)]))
    with pytest.raises(JobFailure, match="FixBondLengths"):
        received(row, atoms, monkeypatch, job="relax_job")


def test_one_charge_of_quantum_espresso(monkeypatch):
    [row] = (row for row in ROWS if row.code == "espresso")
    data = {"ecutwfc": 20, "tot_charge": 2}
    received(row, system(row), monkeypatch, input_data=data)
    assert float(row.charge()) == 2
    with pytest.raises(JobFailure, match=r"charge is 1, and input_data has tot_charge = 2. Give one"):
        received(row, system(row), monkeypatch, input_data=data, charge=1)
