"""Quantum ESPRESSO."""

from functools import cache

import numpy as np
from ase import units

from adatom.recipes import espresso

from .row import Row
from .theirs import derivatives, pw

TITLE = "Quantum ESPRESSO"

SEMICONDUCTOR = {
    "preset": ["semiconductor", "lda"],
    "calc_kwargs": {"kpts": (4, 4, 4), "input_data": {"conv_thr": 1e-10}},
}
METAL = {"preset": ["metal", "lda"], "calc_kwargs": {"kpts": (8, 8, 8), "input_data": {"conv_thr": 1e-10}}}
COMPRESSED = pw.at_volume(pw.SILICON, 0.95 * pw.SILICON.get_volume())


@cache
def of_silicon() -> dict:
    return espresso.static_job(pw.SILICON, **SEMICONDUCTOR)


@cache
def of_aluminium() -> dict:
    strains = np.linspace(-0.06, 0.06, 7).tolist()
    flow = espresso.eos_flow(pw.ALUMINIUM, relax_ions=False, strains=strains, job_params={"static_job": METAL})
    return flow["eos"]


def displaced_force(axis: int) -> float:
    atoms = derivatives.moved(pw.SILICON, 1, pw.SHIFT)
    return espresso.static_job(atoms, **SEMICONDUCTOR)["results"]["forces"][1, axis]


def pressure() -> float:
    found = espresso.static_job(COMPRESSED, properties=["energy", "forces", "stress"], **SEMICONDUCTOR)
    return -found["results"]["stress"][:3].mean() / units.GPa


def relaxed_length() -> float:
    atoms = derivatives.moved(pw.SILICON, 1, pw.SHIFT)
    return espresso.relax_job(atoms, fmax=1e-3, **SEMICONDUCTOR)["atoms"].get_distance(0, 1, mic=True)


@cache
def optical_frequency() -> float:
    return espresso.phonon_job(of_silicon())["results"]["frequencies"][0].max()


def electrons() -> float:
    """Integral of the density of states over the bands that are occupied."""
    params = {"static_job": SEMICONDUCTOR, "dos_job": {"input_data": {"deltae": 0.02}}}
    found = espresso.dos_flow(pw.SILICON, job_params=params)["dos"]["results"]
    occupied = found["energies"] < found["fermi_energy"]
    return float(found["dos"][0, occupied].sum() * 0.02)


ROWS = (
    Row(
        "Energy of Si, pw.x, LDA",
        "eV",
        "espresso.static_job",
        "pw.x by hand, with its output read by itself",
        lambda: of_silicon()["results"]["energy"],
        lambda: pw.energy(pw.SILICON),
        relative=2e-7,
        needs="espresso",
        quick=True,
    ),
    Row(
        "Force on a displaced Si atom, pw.x, LDA",
        "eV/Å",
        "espresso.static_job",
        "central differences of energies of pw.x by hand",
        lambda: displaced_force(0),
        lambda: pw.force(0),
        relative=1e-3,
        needs="espresso",
    ),
    Row(
        "Pressure of Si with 5 % less volume, pw.x, LDA",
        "GPa",
        "espresso.static_job",
        "pw.x by hand, with its output read by itself",
        pressure,
        lambda: pw.pressure(COMPRESSED),
        absolute=1e-3,
        needs="espresso",
    ),
    Row(
        "Bond length of Si after a displacement, pw.x, LDA",
        "Å",
        "espresso.relax_job",
        "symmetry of diamond: √3/4 of the lattice constant",
        relaxed_length,
        lambda: 3**0.5 / 4 * 5.40,
        absolute=1e-3,
        needs="espresso",
    ),
    Row(
        "Optical phonons of Si at Γ, LDA",
        "cm⁻¹",
        "espresso.phonon_job",
        "second difference of energies of pw.x by hand, instead of perturbation theory",
        optical_frequency,
        pw.optical_frequency,
        relative=1e-3,
        needs="espresso",
    ),
    Row(
        "Raman line of Si, LDA",
        "cm⁻¹",
        "espresso.phonon_job",
        "measured: 520 cm⁻¹; phonons in LDA are a few % off",
        optical_frequency,
        lambda: 520.0,
        relative=3e-2,
        needs="espresso",
    ),
    Row(
        "Electrons below the gap of Si, dos.x",
        "",
        "espresso.dos_flow",
        "8 valence electrons",
        electrons,
        lambda: 8.0,
        absolute=2e-2,
        needs="espresso",
    ),
    *(
        Row(
            f"{what} of Al, pw.x, LDA",
            unit,
            "espresso.eos_flow",
            "energies of pw.x by hand, polynomial of third degree in V^(-2/3)",
            lambda key=key: of_aluminium()[key],
            lambda index=index: pw.aluminium()[index],
            relative=relative,
            needs="espresso",
        )
        for index, (what, unit, key, relative) in enumerate(
            (
                ("Volume of an atom", "Å³", "v0", 1e-5),
                ("Bulk modulus", "GPa", "bulk_modulus", 1e-4),
                ("Derivative of the bulk modulus", "", "bulk_modulus_derivative", 1e-3),
            )
        )
    ),
)
