"""Elastic constants and the speed of sound."""

from functools import cache

import numpy as np
from ase import units
from ase.build import bulk

from adatom.analysis.phonons import as_phonopy
from adatom.recipes import emt, lj

from .energies import ARGON
from .row import Row
from .theirs import by_ase, elasticity, lennard_jones

TITLE = "Elastic constants"

TIGHT = {"relax_job": {"fmax": 1e-5}}
COPPER = bulk("Cu", cubic=True)
SQUEEZED = by_ase.at_volume(COPPER, by_ase.volume_under(COPPER, 10 * units.GPa))
HCP = bulk("Cu", "hcp", a=2.55, c=4.16)
PLACES = {"C11": ((0, 0), (0, 0)), "C12": ((0, 0), (1, 1)), "C44": ((1, 2), (1, 2))}
VOIGT = {"C11": (0, 0), "C12": (0, 1), "C44": (3, 3)}


@cache
def of_copper() -> dict:
    return emt.elastic_tensor_flow(bulk("Cu"), relax_ions=False, job_params=TIGHT)["elasticity"]


@cache
def under_pressure() -> np.ndarray:
    flow = emt.elastic_tensor_flow(SQUEEZED, run_relax=False, relax_ions=False)
    return flow["elasticity"]["elastic_tensor"]["raw"]


@cache
def of_argon() -> np.ndarray:
    crystal = bulk("Ar", "fcc", a=5.25, cubic=True)
    params = {job: {"calc_kwargs": ARGON, **TIGHT.get(job, {})} for job in ("relax_job", "static_job")}
    return lj.elastic_tensor_flow(crystal, job_params=params)["elasticity"]["elastic_tensor"]["ieee_format"]


@cache
def of_hcp(relax_ions: bool) -> np.ndarray:
    flow = emt.elastic_tensor_flow(HCP, relax_ions=relax_ions, job_params=TIGHT)
    return flow["elasticity"]["elastic_tensor"]["raw"]


@cache
def by_energies(squeezed: bool = False) -> dict[str, float]:
    return elasticity.cubic_constants(SQUEEZED if squeezed else by_ase.cubic(COPPER))


@cache
def hcp_by_energies(relax_ions: bool) -> float:
    shear = [[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]]
    return elasticity.curvature(by_ase.relaxed(HCP, cell=True, fmax=1e-5), shear, relax_ions)


def sound() -> float:
    """The slope of the longitudinal phonons along [100], in km/s."""
    phonons = emt.phonon_flow(bulk("Cu"), supercell_matrix=[6, 6, 6], mesh=[2, 2, 2], fmax=1e-5)["phonons"]
    length = 0.02  # of the way from Γ to X
    model = as_phonopy(phonons)
    model.run_qpoints([[length / 2, 0, length / 2]])
    a = (4 * phonons["primitive"].get_volume()) ** (1 / 3)
    return float(model.qpoints.frequencies[0].max() * a / length / 10)  # Å THz is 0.1 km/s


ROWS = (
    *(
        Row(
            f"{name} of Cu, ions clamped, EMT",
            "GPa",
            "emt.elastic_tensor_flow",
            "second differences of ASE's energies by the strain",
            lambda name=name: of_copper()["elastic_tensor"]["ieee_format"][VOIGT[name]],
            lambda name=name: by_energies()[name],
            relative=1e-4,
            quick=True,
        )
        for name in VOIGT
    ),
    *(
        Row(
            f"{name} of Cu at 10 GPa by Green-Lagrange strains, EMT",
            "GPa",
            "emt.elastic_tensor_flow",
            "second differences of ASE's energies by the strain",
            lambda name=name: under_pressure()[VOIGT[name]],
            lambda name=name: by_energies(squeezed=True)[name],
            relative=1e-3,
        )
        for name in VOIGT
    ),
    Row(
        "Shear modulus of polycrystalline Cu, EMT",
        "GPa",
        "emt.elastic_tensor_flow",
        "strains, fit and averages of pymatgen, stresses of ASE",
        lambda: of_copper()["shear_modulus"]["vrh"],
        lambda: elasticity.shear_modulus(by_ase.cubic(COPPER)),
        relative=2e-3,
    ),
    Row(
        "Speed of longitudinal sound in Cu along [100], EMT",
        "km/s",
        "emt.phonon_flow",
        "√(C11/ρ), with C11 from second differences of energies",
        sound,
        lambda: elasticity.sound(by_ase.cubic(COPPER)),
        relative=1e-4,
        needs="phonons",
    ),
    *(
        Row(
            f"{name} of fcc Ar, Lennard-Jones",
            "GPa",
            "lj.elastic_tensor_flow",
            "Born's sum over the pairs of a lattice",
            lambda name=name: of_argon()[VOIGT[name]],
            lambda name=name: lennard_jones.elastic_constant(*PLACES[name]) / units.GPa,
            relative=1e-4,
            quick=name == "C44",
        )
        for name in VOIGT
    ),
    Row(
        "C12 / C44 of fcc Ar, Lennard-Jones",
        "",
        "lj.elastic_tensor_flow",
        "Cauchy's relation for central forces: 1",
        lambda: of_argon()[VOIGT["C12"]] / of_argon()[VOIGT["C44"]],
        lambda: 1.0,
        relative=1e-4,
        quick=True,
    ),
    *(
        Row(
            f"C66 of hcp Cu, ions {'relaxed' if relax_ions else 'clamped'}, EMT",
            "GPa",
            "emt.elastic_tensor_flow",
            "second differences of ASE's energies by the strain",
            lambda relax_ions=relax_ions: of_hcp(relax_ions)[5, 5],
            lambda relax_ions=relax_ions: hcp_by_energies(relax_ions),
            relative=1e-4,
        )
        for relax_ions in (False, True)
    ),
)
