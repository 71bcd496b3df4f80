"""Vibrations and thermochemistry of molecules."""

from functools import cache

from ase import Atoms, units
from ase.build import molecule

from adatom.recipes import emt, lj, tblite
from adatom.recipes.common.thermo import thermo_job

from .energies import ARGON
from .row import Row
from .theirs import gases

TITLE = "Vibrations and thermochemistry"

JOULES = units.mol / units.J  # per mole, of eV
TIGHT = {"fmax": 1e-4}


def built(name: str) -> Atoms:
    if name == "HD":
        atoms = molecule("H2")
        atoms.set_masses([1.00783, 2.01410])
        return atoms
    return Atoms("Ar") if name == "Ar" else molecule(name)


@cache
def gas(name: str) -> dict:
    """Vibrations of a relaxed molecule by tblite."""
    atoms = built(name)
    if len(atoms) > 1:
        atoms = tblite.relax_job(atoms, **TIGHT)["atoms"]
    return tblite.freq_job(atoms, symmetry_number=6 if name == "CH3" else None)


def helmholtz_energy(temperature: float) -> float:
    """Helmholtz energy of a relaxed adsorbate in eV."""
    atoms = emt.relax_job(gases.oxygen_on_copper(), **TIGHT)["atoms"]
    found = emt.freq_job(atoms, indices=[len(atoms) - 1], temperature=temperature)
    return found["thermo"]["helmholtz_energy"]


def entropy(name: str) -> float:
    """Standard entropy in J/mol/K at 298.15 K and 1 bar."""
    return gas(name)["thermo"]["entropy"] * JOULES


def pair_frequency() -> float:
    pair = lj.relax_job(Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 3.9]]), fmax=1e-7, calc_kwargs=ARGON)["atoms"]
    return lj.freq_job(pair, delta=0.002, calc_kwargs=ARGON)["results"]["frequencies"][0]


def stretching(name: str) -> float:
    found = emt.freq_job(emt.relax_job(molecule(name), fmax=1e-5)["atoms"])
    return found["results"]["frequencies"][0]


ROWS = (
    Row(
        "Vibration of a pair of Ar atoms, Lennard-Jones",
        "cm⁻¹",
        "lj.freq_job",
        "spring 72/2^(1/3) ε/σ²",
        pair_frequency,
        lambda: gases.pair_frequency(Atoms("Ar").get_masses()[0]),
        relative=1e-4,
        quick=True,
    ),
    Row(
        "Vibration of N2, EMT",
        "cm⁻¹",
        "emt.freq_job",
        "second difference of ASE's energies by the bond length",
        lambda: stretching("N2"),
        lambda: gases.stretching("N2"),
        relative=5e-4,
        quick=True,
    ),
    *(
        Row(
            f"Wave number of the {name} of H2O, GFN2-xTB",
            "cm⁻¹",
            "tblite.freq_job",
            "`ase.vibrations.Vibrations`",
            lambda mode=mode: gas("H2O")["results"]["frequencies"][mode],
            lambda mode=mode: gases.water()[1][mode] / units.invcm,
            relative=1e-4,
            needs="tblite",
        )
        for name, mode in (("bending", 0), ("symmetric stretching", 1), ("antisymmetric stretching", 2))
    ),
    *(
        Row(
            f"Gibbs energy of H2O at {temperature} K and {pressure} bar, GFN2-xTB",
            "eV",
            recipe,
            "`ase.thermochemistry.IdealGasThermo`",
            lambda at=(temperature, pressure): thermo_job(gas("H2O"), temperature=at[0], pressure_bar=at[1])[
                "gibbs_energy"
            ],
            lambda at=(temperature, pressure): gases.gibbs_energy(*at),
            absolute=1e-5,
            needs="tblite",
        )
        for temperature, pressure, recipe in ((298.15, 1.0, "tblite.freq_job"), (800, 20.0, "common.thermo.thermo_job"))
    ),
    Row(
        "Helmholtz energy at 500 K of O on Cu(1 0 0), EMT",
        "eV",
        "emt.freq_job",
        "`ase.vibrations` and `ase.thermochemistry.HarmonicThermo`",
        lambda: helmholtz_energy(500),
        lambda: gases.helmholtz_energy(500),
        absolute=1e-5,
    ),
    Row(
        "Entropy of Ar at 298.15 K and 1 bar, an atom",
        "J/mol/K",
        "lj.freq_job",
        "equation of Sackur and Tetrode",
        lambda: lj.freq_job(Atoms("Ar"))["thermo"]["entropy"] * JOULES,
        lambda: gases.sackur_tetrode(Atoms("Ar").get_masses()[0], 298.15, 1e5),
        relative=1e-6,
        quick=True,
    ),
    *(
        Row(
            f"Standard entropy of {name}, GFN2-xTB",
            "J/mol/K",
            "tblite.freq_job",
            f"measured ({source}); tblite is a few % off in lengths and frequencies",
            lambda name=name: entropy(name),
            lambda value=value: value,
            relative=1e-2,
            needs="tblite",
        )
        for name, (value, source) in gases.MEASURED.items()
    ),
)
