"""Surfaces and adsorbates."""

from functools import cache

from ase import Atoms
from ase.build import bulk, fcc100, fcc111
from ase.constraints import FixAtoms

from adatom.recipes import emt

from .row import Row
from .theirs import surfaces

TITLE = "Surfaces and adsorption"

LAYERS = {"(1 0 0)": 6, "(1 1 0)": 8, "(1 1 1)": 5}


@cache
def of_copper() -> dict[str, dict]:
    flow = emt.bulk_to_slabs_flow(
        bulk("Cu"),
        run_static=False,
        slab_kwargs={"z_fix": None, "min_length_width": None},
        job_params={"relax_job": {"fmax": 1e-4}},
    )
    found = flow["surface_energies"]["surfaces"]
    slabs = [run["atoms"] for run in flow["relax"]]
    return {
        "({} {} {})".format(*each["miller_index"]): {**each, "atoms": slab}
        for each, slab in zip(found, slabs, strict=True)
    }


def slab(builder, symbol: str) -> Atoms:
    made = builder(symbol, (2, 2, 3), vacuum=8, periodic=True)
    made.set_constraint(FixAtoms(mask=made.get_tags() > 1))
    return made


@cache
def adsorption(builder, symbol: str, adsorbate: str, distance: float, *sites: str) -> list[dict]:
    flow = emt.slab_to_ads_flow(
        slab(builder, symbol),
        adsorbate,
        run_static=False,
        ads_kwargs={"sites": sites, "distance": distance},
        job_params={"relax_job": {"fmax": 1e-3}},
    )
    return flow["adsorption_energies"]["sites"]


ROWS = (
    *(
        Row(
            f"Surface energy of Cu{plane}, EMT",
            "J/m²",
            "emt.bulk_to_slabs_flow",
            f"slab of {layers} layers by `ase.build`, relaxed by ASE",
            lambda plane=plane: of_copper()[plane]["surface_energy"],
            lambda plane=plane, layers=layers: surfaces.surface_energy(plane, layers),
            relative=1e-4,
            quick=plane == "(1 1 1)",
        )
        for plane, layers in LAYERS.items()
    ),
    *(
        Row(
            f"Adsorption energy of {adsorbate} on {symbol}{plane}, {site}, EMT",
            "eV",
            "emt.slab_to_ads_flow",
            "structure by `ase.build`, relaxed by ASE from another height",
            lambda args=(builder, symbol, adsorbate, height, site): adsorption(*args)[0]["adsorption_energy"],
            lambda args=(builder, symbol, adsorbate, height, site): surfaces.adsorption_energy(
                slab(*args[:2]), args[2], args[4], args[3] + 0.2
            ),
            absolute=1e-5,
            quick=site == "ontop",
        )
        for builder, plane, symbol, adsorbate, site, height in (
            (fcc100, "(1 0 0)", "Al", "Au", "hollow", 1.7),
            (fcc100, "(1 0 0)", "Cu", "O", "hollow", 1.0),
            (fcc111, "(1 1 1)", "Cu", "O", "ontop", 1.7),
            (fcc111, "(1 1 1)", "Pt", "N", "bridge", 1.5),
        )
    ),
)
