"""Point defects."""

from functools import cache

from ase.build import bulk

from adatom.recipes import emt, lj

from .energies import ARGON
from .row import Row
from .theirs import lennard_jones, surfaces

TITLE = "Point defects"

LENGTHS = {2: 7.0, 3: 10.0}  # Å: supercells of 32 and 108 atoms
POTENTIAL = -0.1  # eV: a chemical potential of Al


def in_metal(symbol: str, repeats: int, defects: dict) -> dict[str, list[float]]:
    """Formation energies in eV by name of the defect, in a cubic supercell."""
    flow = emt.bulk_to_defects_flow(
        bulk(symbol),
        defect_kwargs=defects,
        supercell_kwargs={"min_length": LENGTHS[repeats], "min_atoms": 20},
        chemical_potentials={"Al": POTENTIAL} if "substitutions" in defects else None,
        run_static=False,
        job_params={"relax_job": {"fmax": 1e-3}},
    )
    assert len(flow["bulk"]["atoms"]) == 4 * repeats**3
    energies: dict[str, list[float]] = {}
    for found in flow["formation_energies"]["defects"]:
        energies.setdefault(found["defect"], []).append(found["formation_energy"])
    return energies


@cache
def in_copper() -> dict[str, list[float]]:
    return in_metal("Cu", 2, {"vacancies": [], "substitutions": {"Cu": "Al"}, "interstitials": ["Cu"]})


def vacancy(symbol: str, repeats: int) -> float:
    return in_metal(symbol, repeats, {"vacancies": [symbol]})[f"v_{symbol}"][0]


def in_argon() -> float:
    flow = lj.bulk_to_defects_flow(
        bulk("Ar", "fcc", a=lennard_jones.lattice_constant()),
        relax_job=lj.static_job,
        run_static=False,
        supercell_kwargs={"min_length": 14.0, "min_atoms": 20},  # more than the cutoff
        job_params={"static_job": {"calc_kwargs": ARGON}, "relax_job": {"calc_kwargs": ARGON}},
    )
    return flow["formation_energies"]["defects"][0]["formation_energy"]


RELAXED = "structure by hand, relaxed by ASE"

ROWS = (
    *(
        Row(
            f"Vacancy in {symbol}, {4 * repeats**3} atoms, EMT",
            "eV",
            "emt.bulk_to_defects_flow",
            RELAXED,
            lambda args=(symbol, repeats): vacancy(*args),
            lambda args=(symbol, repeats): surfaces.formation_energy(*args, "vacancy"),
            absolute=1e-5,
            needs="defects",
            quick=(symbol, repeats) == ("Cu", 2),
        )
        for symbol, repeats in (("Cu", 2), ("Cu", 3), ("Al", 2), ("Al", 3), ("Pt", 2))
    ),
    Row(
        "Al in the place of Cu, 32 atoms, EMT",
        "eV",
        "emt.bulk_to_defects_flow",
        RELAXED,
        lambda: in_copper()["Al_Cu"][0],
        lambda: surfaces.formation_energy("Cu", 2, "substitution", "Al", POTENTIAL),
        absolute=1e-5,
        needs="defects",
    ),
    *(
        Row(
            f"Cu in {article} {kind} hole of Cu, 32 atoms, EMT",
            "eV",
            "emt.bulk_to_defects_flow",
            RELAXED,
            lambda choose=choose: choose(in_copper()["Cu_i"]),
            lambda kind=kind: surfaces.formation_energy("Cu", 2, kind, "Cu"),
            absolute=1e-5,
            needs="defects",
        )
        for article, kind, choose in (("an", "octahedral", min), ("a", "tetrahedral", max))
    ),
    Row(
        "Vacancy in Ar without relaxation, Lennard-Jones",
        "eV",
        "lj.bulk_to_defects_flow",
        "the negative energy of an atom of the crystal, as for all sums over pairs",
        in_argon,
        lambda: -lennard_jones.energy(lennard_jones.lattice_constant()),
        relative=1e-8,
        needs="defects",
        quick=True,
    ),
)
