"""Energies, forces and stresses."""

from functools import cache

from ase import Atoms
from ase.build import bulk, molecule

from adatom.recipes import emt, lj, tblite

from .row import Row
from .theirs import by_ase, energies, lennard_jones

TITLE = "Energies, forces and stresses"

ARGON = {"sigma": lennard_jones.SIGMA, "epsilon": lennard_jones.EPSILON, "rc": lennard_jones.CUTOFF}
DISTANCE = 3.9  # Å
LATTICE = 5.3  # Å
PAIR = Atoms("Ar2", positions=[[0, 0, 0], [0, 0, DISTANCE]])
WHOLE = ["energy", "forces", "stress"]


def rattled() -> Atoms:
    """Copper without symmetry and under stress."""
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.rattle(0.1, seed=3)
    atoms.set_cell(atoms.cell.array @ [[1.01, 0.02, 0], [0, 0.99, 0.01], [0.015, 0, 1.02]], scale_atoms=True)
    return atoms


@cache
def of_copper() -> dict:
    return emt.static_job(rattled(), properties=WHOLE)["results"]


@cache
def of_argon() -> dict:
    return lj.static_job(bulk("Ar", "fcc", a=LATTICE), properties=WHOLE, calc_kwargs=ARGON)["results"]


@cache
def of_water() -> dict:
    properties = ["energy", "forces", "dipole"]
    return tblite.static_job(molecule("H2O"), properties=properties, calc_kwargs={"accuracy": 0.01})["results"]


def dispersion_of(model: str, **options: str) -> float:
    atoms = rattled()
    told = {"dispersion": {"model": model, "method": "PBE", **options}}
    with_it, without = (emt.static_job(atoms, calc_kwargs=kwargs) for kwargs in (told, {}))
    return with_it["results"]["energy"] - without["results"]["energy"]


def largest_force() -> tuple[int, int]:
    return by_ase.largest(of_copper()["forces"])


ROWS = (
    Row(
        "Energy of a pair of Ar atoms, Lennard-Jones",
        "eV",
        "lj.static_job",
        "4ε((σ/r)¹² - (σ/r)⁶), shifted to 0 at the cutoff",
        lambda: lj.static_job(PAIR, calc_kwargs=ARGON)["results"]["energy"],
        lambda: lennard_jones.dimer(DISTANCE),
        relative=1e-9,
        quick=True,
    ),
    Row(
        "Bond length of a pair of Ar atoms, Lennard-Jones",
        "Å",
        "lj.relax_job",
        "2^(1/6) σ",
        lambda: lj.relax_job(PAIR, fmax=1e-7, calc_kwargs=ARGON)["atoms"].get_distance(0, 1),
        lambda: 2 ** (1 / 6) * lennard_jones.SIGMA,
        relative=1e-6,
        quick=True,
    ),
    Row(
        "Energy of an atom of fcc Ar, Lennard-Jones",
        "eV",
        "lj.static_job",
        "sum over the pairs of a lattice",
        lambda: of_argon()["energy"],
        lambda: lennard_jones.energy(LATTICE),
        relative=1e-9,
        quick=True,
    ),
    Row(
        "Stress of fcc Ar, Lennard-Jones",
        "eV/Å³",
        "lj.static_job",
        "virial sum over the pairs of a lattice",
        lambda: of_argon()["stress"][0],
        lambda: lennard_jones.stress(LATTICE),
        relative=1e-9,
        quick=True,
    ),
    Row(
        "Largest force in 8 displaced Cu atoms, EMT",
        "eV/Å",
        "emt.static_job",
        "central differences of ASE's energies",
        lambda: of_copper()["forces"][largest_force()],
        lambda: energies.force(rattled(), *largest_force()),
        relative=1e-5,
        quick=True,
    ),
    Row(
        "Stress along x of 8 displaced Cu atoms, EMT",
        "eV/Å³",
        "emt.static_job",
        "central differences of ASE's energies under strain",
        lambda: of_copper()["stress"][0],
        lambda: energies.stress(rattled(), 0, 0),
        relative=1e-5,
        quick=True,
    ),
    Row(
        "Shear stress in yz of 8 displaced Cu atoms, EMT",
        "eV/Å³",
        "emt.static_job",
        "central differences of ASE's energies under strain",
        lambda: of_copper()["stress"][3],
        lambda: energies.stress(rattled(), 1, 2),
        relative=1e-5,
        quick=True,
    ),
    Row(
        "Energy of H2O, GFN2-xTB",
        "eV",
        "tblite.static_job",
        "tblite's own interface, in atomic units",
        lambda: of_water()["energy"],
        lambda: energies.tight_binding(molecule("H2O")),
        relative=1e-9,
        needs="tblite",
        quick=True,
    ),
    Row(
        "Energy of C6H6, GFN1-xTB",
        "eV",
        "tblite.static_job",
        "tblite's own interface, in atomic units",
        lambda: tblite.static_job(molecule("C6H6"), calc_kwargs={"method": "GFN1-xTB"})["results"]["energy"],
        lambda: energies.tight_binding(molecule("C6H6"), "GFN1-xTB"),
        relative=1e-8,
        needs="tblite",
    ),
    Row(
        "Force on a H atom of H2O, GFN2-xTB",
        "eV/Å",
        "tblite.static_job",
        "central differences of energies by tblite's own interface",
        lambda: of_water()["forces"][1, 1],
        lambda: energies.force(molecule("H2O"), 1, 1, energies.tight_binding),
        relative=1e-4,
        needs="tblite",
    ),
    Row(
        "Dipole of H2O, GFN2-xTB",
        "e Å",
        "tblite.static_job",
        "derivative of tblite's energy by an electric field",
        lambda: of_water()["dipole"][2],
        lambda: energies.dipole(molecule("H2O"), 2),
        relative=1e-5,
        needs="tblite",
        quick=True,
    ),
    Row(
        "Dispersion of 8 displaced Cu atoms, DFT-D3 for PBE",
        "eV",
        "emt.static_job",
        "the interface of dftd3 itself, in atomic units",
        lambda: dispersion_of("d3", damping="d3bj"),
        lambda: energies.d3(rattled()),
        relative=1e-6,
        needs="dispersion",
    ),
    Row(
        "Dispersion of 8 displaced Cu atoms, DFT-D4 for PBE",
        "eV",
        "emt.static_job",
        "the interface of dftd4 itself, in atomic units",
        lambda: dispersion_of("d4"),
        lambda: energies.d4(rattled()),
        relative=1e-6,
        needs="dispersion",
    ),
)
