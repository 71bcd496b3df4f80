"""Volumes, bulk moduli and pressure."""

from functools import cache

from ase import Atoms, units
from ase.build import bulk

from adatom.recipes import emt, lj

from .row import Row
from .theirs import by_ase, eos, lennard_jones

TITLE = "Equations of state and pressure"

COPPER = bulk("Cu", cubic=True)
UNIT = {"sigma": 1.0, "epsilon": 1.0, "rc": 12.0}  # eV, Å
PRESSURE = 10.0  # GPa


@cache
def found(equation: str) -> dict:
    return emt.eos_flow(COPPER, relax_ions=False, strains=eos.STRAINS, equation=equation)["eos"]


@cache
def points() -> tuple:
    return eos.points(COPPER)


@cache
def of_argon() -> Atoms:
    return lj.relax_job(bulk("Ar", "fcc", a=1.55), relax_cell=True, fmax=1e-5, calc_kwargs=UNIT)["atoms"]


def distance() -> float:
    """Distance of neighbours from the volume of an atom."""
    return (of_argon().get_volume() * 4) ** (1 / 3) / 2**0.5


def argon_modulus() -> float:
    params = {"static_job": {"calc_kwargs": UNIT}}
    flow = lj.eos_flow(of_argon(), relax_ions=False, strains=(-0.01, -0.005, 0, 0.005, 0.01), job_params=params)
    return flow["eos"]["bulk_modulus"]


A12, A6 = lennard_jones.A12, lennard_jones.A6

ROWS = (
    Row(
        "Volume of 4 Cu atoms, Birch-Murnaghan, EMT",
        "Å³",
        "emt.eos_flow",
        "`ase.eos.EquationOfState` of ASE's energies",
        lambda: found("birch_murnaghan")["v0"],
        lambda: eos.ase_fit(*points(), "birchmurnaghan")[0],
        relative=1e-6,
        quick=True,
    ),
    Row(
        "Bulk modulus of Cu, Birch-Murnaghan, EMT",
        "GPa",
        "emt.eos_flow",
        "`ase.eos.EquationOfState` of ASE's energies",
        lambda: found("birch_murnaghan")["bulk_modulus"],
        lambda: eos.ase_fit(*points(), "birchmurnaghan")[1],
        relative=1e-5,
        quick=True,
    ),
    Row(
        "Bulk modulus of Cu, Vinet, EMT",
        "GPa",
        "emt.eos_flow",
        "`ase.eos.EquationOfState` of ASE's energies",
        lambda: found("vinet")["bulk_modulus"],
        lambda: eos.ase_fit(*points(), "vinet")[1],
        relative=1e-5,
        quick=True,
    ),
    Row(
        "Derivative of the bulk modulus of Cu, EMT",
        "",
        "emt.eos_flow",
        "polynomial of third degree in V^(-2/3), by linear least squares",
        lambda: found("birch_murnaghan")["bulk_modulus_derivative"],
        lambda: eos.birch_murnaghan(*points())[2],
        relative=1e-4,
        quick=True,
    ),
    Row(
        "Bulk modulus of Cu, EMT",
        "GPa",
        "emt.eos_flow",
        "V d²E/dV² at the lowest energy, by central differences",
        lambda: found("birch_murnaghan")["bulk_modulus"],
        lambda: eos.bulk_modulus(COPPER),
        relative=1e-3,
        quick=True,
    ),
    Row(
        "Volume of 4 Cu atoms at 10 GPa, EMT",
        "Å³",
        "emt.relax_job",
        "where -dE/dV is the pressure, by central differences of energies",
        lambda: emt.relax_job(COPPER, relax_cell=True, pressure=PRESSURE, fmax=1e-4)["atoms"].get_volume(),
        lambda: by_ase.volume_under(COPPER, PRESSURE * units.GPa),
        relative=1e-5,
        quick=True,
    ),
    Row(
        "Distance of neighbours in fcc, Lennard-Jones, σ = 1 Å",
        "Å",
        "lj.relax_job",
        "lattice sums of a textbook, without the cutoff at 12 σ: (2 A12 / A6)^(1/6) σ = 1.09 σ",
        distance,
        lambda: (2 * A12 / A6) ** (1 / 6),
        relative=2e-4,
    ),
    Row(
        "Energy of an atom of fcc, Lennard-Jones, ε = 1 eV",
        "eV",
        "lj.static_job",
        "lattice sums of a textbook, without the cutoff at 12 σ: -A6² / (2 A12) ε = -8.61 ε",
        lambda: lj.static_job(of_argon(), calc_kwargs=UNIT)["results"]["energy"],
        lambda: -(A6**2) / (2 * A12),
        relative=2e-3,
    ),
    Row(
        "Bulk modulus of fcc, Lennard-Jones, ε = 1 eV, σ = 1 Å",
        "GPa",
        "lj.eos_flow",
        "lattice sums of a textbook, without the cutoff at 12 σ: 4 A12 (A6 / A12)^(5/2) ε/σ³ = 75 ε/σ³",
        argon_modulus,
        lambda: 4 * A12 * (A6 / A12) ** 2.5 / units.GPa,
        relative=2e-3,
    ),
)
