"""Barriers, transition states and reaction paths."""

from functools import cache

from ase.build import molecule

from adatom.recipes import emt, tblite

from .row import Row
from .theirs import paths

TITLE = "Barriers and reaction paths"


@cache
def hop(adatom: str, symbol: str, height: float) -> dict:
    first = paths.on_surface(adatom, symbol, "hollow", height)
    params = {"relax_job": {"fmax": 1e-3}, "neb_job": {"fmax": 0.01}}
    return emt.neb_flow(first, paths.next_hollow(first), images=3, job_params=params)["path"]


@cache
def saddle() -> dict:
    start = paths.on_surface("Al", "Al", "bridge", 1.8)
    start.positions[-1] += [0.05, 0.02, 0.0]
    return emt.ts_flow(start, job_params={"ts_job": {"fmax": 1e-3}, "freq_job": {"indices": [12]}})


@cache
def way_down() -> dict:
    params = {"irc_job": {"irc_kwargs": {"dx": 0.3}}, "relax_job": {"fmax": 1e-3}}
    return emt.irc_flow(saddle()["ts"]["atoms"], job_params=params)["path"]


def inversion() -> float:
    pyramid = molecule("NH3")
    turned = pyramid.copy()
    turned.positions[:, 2] *= -1
    params = {"relax_job": {"fmax": 1e-3}, "neb_job": {"fmax": 0.01}}
    return tblite.neb_flow(pyramid, turned, images=3, job_params=params)["path"]["forward_barrier"]


ROWS = (
    *(
        Row(
            f"Barrier of {adatom} from hollow to hollow on {symbol}(1 0 0), EMT",
            "eV",
            "emt.neb_flow",
            "`ase.mep.NEB` with another optimizer",
            lambda args=(adatom, symbol, height): hop(*args)["forward_barrier"],
            lambda args=(adatom, symbol, height): paths.by_neb(*args),
            absolute=2e-4,
            quick=adatom == "Au",
        )
        for adatom, symbol, height in (("Au", "Al", 1.7), ("Cu", "Cu", 1.7))
    ),
    *(
        Row(
            f"Barrier of {adatom} on {symbol}(1 0 0), bridge against hollow, EMT",
            "eV",
            "emt.neb_flow",
            "adatom relaxed along the normal at the bridge, where symmetry has the saddle point",
            lambda args=(adatom, symbol, heights[0]): hop(*args)["forward_barrier"],
            lambda args=(adatom, symbol, heights): paths.by_symmetry(*args),
            absolute=2e-4,
        )
        for adatom, symbol, heights in (("Au", "Al", (1.7, 2.0)), ("Cu", "Cu", (1.7, 1.9)))
    ),
    Row(
        "Imaginary frequency of Al at the bridge on Al(1 0 0), EMT",
        "cm⁻¹",
        "emt.ts_flow",
        "curvature of ASE's energy at the place that symmetry gives",
        lambda: saddle()["transition_state"]["imaginary_frequency"],
        lambda: paths.imaginary_frequency("Al", "Al", 1.8),
        relative=2e-3,
        needs="sella",
    ),
    Row(
        "Barrier of Al on Al(1 0 0), EMT",
        "eV",
        "emt.irc_flow",
        "adatom relaxed along the normal at the bridge, where symmetry has the saddle point",
        lambda: way_down()["forward_barrier"],
        lambda: paths.by_symmetry("Al", "Al", (1.7, 1.8)),
        absolute=2e-4,
        needs="sella",
    ),
    Row(
        "Barrier of the inversion of NH3, GFN2-xTB",
        "eV",
        "tblite.neb_flow",
        "lowest energies of a pyramid and of a flat triangle, by tblite's own interface",
        inversion,
        paths.inversion,
        absolute=2e-4,
        needs="tblite",
    ),
)
