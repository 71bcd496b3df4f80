"""Phonons and thermal expansion."""

from functools import cache

import numpy as np
from ase import units
from ase.build import bulk

from adatom.analysis.phonons import as_phonopy
from adatom.recipes import emt, lj

from .energies import ARGON
from .row import Row
from .theirs import expansion, lattice, lennard_jones

TITLE = "Phonons and thermal expansion"

SIZE = 4
X, L = [0.5, 0, 0.5], [0.5, 0, 0]  # in reciprocal vectors of the primitive cell of fcc
AT_300 = 1  # number of this temperature, in K, in the documents


@cache
def of_copper(size: int, mesh: int) -> dict:
    flow = emt.phonon_flow(bulk("Cu"), supercell_matrix=[size] * 3, mesh=[mesh] * 3, fmax=1e-5, t_max=3000, t_step=300)
    return flow["phonons"]


@cache
def of_argon() -> dict:
    crystal = bulk("Ar", "fcc", a=lennard_jones.lattice_constant())
    flow = lj.phonon_flow(
        crystal,
        run_relax=False,
        supercell_matrix=[2] * 3,
        mesh=[2] * 3,
        job_params={"static_job": {"calc_kwargs": ARGON}},
    )
    return flow["phonons"]


@cache
def expanded() -> dict:
    flow = emt.qha_flow(
        bulk("Cu"),
        fmax=1e-5,
        strains=expansion.STRAINS,
        supercell_matrix=[expansion.SIZE] * 3,
        mesh=[expansion.SIZE] * 3,
        t_max=600,
        t_step=300,
    )
    return flow["qha"]


def frequency(phonons: dict, point: list[float], branch: int) -> float:
    model = as_phonopy(phonons)
    model.run_qpoints([point])
    return float(model.qpoints.frequencies[0][branch])


def thermal(name: str, mesh: int = SIZE, temperature: int = AT_300) -> float:
    return of_copper(SIZE, mesh)["thermal_properties"][name][temperature]


def harmonic() -> np.ndarray:
    return lattice.on_mesh(None, SIZE)


ROWS = (
    *(
        Row(
            f"Frequency of {name} phonons of Cu at {where}, EMT",
            "THz",
            "emt.phonon_flow",
            "`ase.phonons.Phonons`",
            lambda point=point, branch=branch: frequency(of_copper(2, 2), point, branch),
            lambda point=point, branch=branch: lattice.by_ase(lattice.cubic(bulk("Cu")), 2, [point])[0][branch],
            relative=1e-3,
            needs="phonons",
        )
        for where, point in (("X", X), ("L", L))
        for name, branch in (("transverse", 0), ("longitudinal", 2))
    ),
    *(
        Row(
            f"Frequency of {name} phonons of Cu at X, frozen, EMT",
            "THz",
            "emt.phonon_flow",
            "second difference of ASE's energies by the displacement of every other plane",
            lambda branch=branch: frequency(of_copper(2, 2), X, branch),
            lambda branch=branch: lattice.frozen(branch == 2),
            relative=1e-3,
            needs="phonons",
        )
        for name, branch in (("transverse", 0), ("longitudinal", 2))
    ),
    *(
        Row(
            f"Frequency of {name} phonons of Ar at {where}, Lennard-Jones",
            "THz",
            "lj.phonon_flow",
            "dynamical matrix as a sum over the pairs of a lattice",
            lambda point=point, branch=branch: frequency(of_argon(), point, branch),
            lambda direction=direction, branch=branch: lattice.of_argon(direction)[branch],
            relative=1e-3,
            needs="phonons",
            quick=where == "L",
        )
        for where, point, direction in (("X", X, (0, 1, 0)), ("L", L, (-0.5, 0.5, 0.5)))
        for name, branch in (("transverse", 0), ("longitudinal", 2))
    ),
    Row(
        "Zero-point energy of Cu, EMT",
        "eV",
        "emt.phonon_flow",
        "Σ hν/2 over frequencies of `ase.phonons`",
        lambda: of_copper(SIZE, SIZE)["thermal_properties"]["zero_point_energy"],
        lambda: lattice.helmholtz(harmonic(), 0.0),
        relative=1e-3,
        needs="phonons",
    ),
    Row(
        "Free energy of the phonons of Cu at 300 K, EMT",
        "eV",
        "emt.phonon_flow",
        "sum over oscillators with frequencies of `ase.phonons`",
        lambda: thermal("free_energy"),
        lambda: lattice.helmholtz(harmonic(), 300),
        relative=1e-3,
        needs="phonons",
    ),
    Row(
        "Entropy of the phonons of Cu at 300 K, EMT",
        "eV/K",
        "emt.phonon_flow",
        "sum over oscillators with frequencies of `ase.phonons`",
        lambda: thermal("entropy"),
        lambda: lattice.entropy(harmonic(), 300),
        relative=1e-3,
        needs="phonons",
    ),
    Row(
        "Heat capacity of Cu at 300 K and constant volume, EMT",
        "eV/K",
        "emt.phonon_flow",
        "sum over Einstein's oscillators with frequencies of `ase.phonons`",
        lambda: thermal("heat_capacity"),
        lambda: lattice.heat_capacities(harmonic(), 300).sum(),
        relative=1e-3,
        needs="phonons",
    ),
    Row(
        "Heat capacity of Cu at 3000 K and constant volume, EMT",
        "eV/K",
        "emt.phonon_flow",
        "law of Dulong and Petit: 3k, within 0.1 %",
        lambda: thermal("heat_capacity", 20, 10),
        lambda: 3 * units.kB,
        relative=1e-3,
        needs="phonons",
    ),
    *(
        Row(
            f"{what} of Cu at 300 K, quasi-harmonic, EMT",
            unit,
            "emt.qha_flow",
            "phonopy's `PhonopyQHA` of energies and phonons by ASE",
            lambda name=name: expanded()[name][AT_300],
            lambda name=name: expansion.by_phonopy()[name][round(300 / expansion.STEP)],
            relative=relative,
            needs="phonons",
        )
        for what, unit, name, relative in (
            ("Volume of an atom", "Å³", "volumes", 1e-4),
            ("Gibbs energy", "eV", "gibbs_energies", 1e-3),
            ("Bulk modulus", "GPa", "bulk_moduli", 1e-3),
            ("Thermal expansion", "1/K", "thermal_expansion", 1e-3),
            ("Heat capacity at constant pressure", "eV/K", "heat_capacities", 1e-3),
        )
    ),
    Row(
        "Thermal expansion of Cu at 300 K by Grüneisen's parameters, EMT",
        "1/K",
        "emt.qha_flow",
        "Σ γ c / (K V), each mode's γ by differences of frequencies of `ase.phonons`",
        lambda: expanded()["thermal_expansion"][AT_300],
        lambda: expansion.by_grueneisen(300),
        relative=5e-3,
        needs="phonons",
    ),
)
