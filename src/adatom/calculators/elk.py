"""Elk as an ASE calculator: ASE's input and output, with moments that only start from fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.elk import ElkTemplate
from ase.calculators.genericfileio import GenericFileIOCalculator

from adatom.calculators.bare import bare
from adatom.calculators.k_points import numbers_or_spacing
from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs
from adatom.calculators.spin import charge_of

__all__ = ["GRIDS", "Elk", "species_directory"]

PROGRAM = ProgramProfile(
    Programs("elk", "elk-lapw", "`apt-get install elk-lapw`, or https://elk.sourceforge.io", named="elk"),
    output="elk.out",
    done="Elk code stopped",
    unconverged="failed to reach self-consistency",
    advice="Give a larger maxscl, which is 200, a smaller beta0, or another mixtype.",
)
GRIDS = ("ngridk", "autokpt")  # Elk's own ways to give k points
_DEFAULTS = {"tasks": 0, "tforce": True}
# Elk starts moments by magnetic fields in the muffin tins, to which they are antiparallel. A field of 0.03 per Bohr
# magneton starts moments of that sign, and goes away while the density converges.
_FIELD, _FADING = -0.03, 0.5


class Elk(GenericFileIOCalculator):
    """Calculator of Elk, with ASE's input and output.

    Parameters
    ----------
    charge
        Charge in e. None: the sum of the initial charges of the atoms.
    kpts, kspacing
        Numbers of k points, with Γ among them, or their spacing, as for all codes.
    **kwargs
        Further parameters of ASE's calculator, such as ``smearing`` and ``xc``, ``"LDA"`` by default, and blocks of
        Elk's input, in Elk's units.
    """

    def __init__(self, **kwargs: Any) -> None:
        given = {**_DEFAULTS, **({} if "xctype" in kwargs else {"xc": "LDA"}), **kwargs}
        super().__init__(template=_Template(), profile=PROGRAM.check(), directory=".", parameters=given)  # type: ignore[no-untyped-call]


class _Template(ElkTemplate):
    """ASE's template, with moments that only start from fields, and forces in the order of the atoms."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.implemented_properties |= {"magmom"}
        self._order: list[int] = []

    def write_input(self, profile: Any, directory: Any, atoms: Any, parameters: Any, properties: Any) -> None:
        given = {name: value for name, value in parameters.items() if value is not None}
        if not any(name in given for name in GRIDS):
            given |= {"ngridk": numbers_or_spacing(atoms, parameters), "vkloff": [0, 0, 0]}
        if charge := charge_of(atoms, given.pop("charge", None)):
            given["chgexs"] = -charge
        given["sppath"] = str(species_directory(given))
        start = bare(atoms, periodic=True)
        if (moments := start.get_initial_magnetic_moments()).any():
            given = {"reducebf": _FADING, **given}
            start.set_initial_magnetic_moments(_FIELD * moments)
        for name in ("kpts", "kspacing", "species_dir"):
            given.pop(name, None)
        symbols = [*dict.fromkeys(atoms.symbols)]  # Elk has the atoms by species, as ASE writes them
        self._order = sorted(range(len(atoms)), key=lambda index: symbols.index(atoms.symbols[index]))
        super().write_input(profile, directory, start, given, properties)

    def read_results(self, directory: Any) -> dict[str, Any]:
        results = dict(super().read_results(directory))  # type: ignore[no-untyped-call]
        if "forces" in results:
            results["forces"] = results["forces"][np.argsort(self._order)]
        moments = re.findall(r"total moment +: +(\S+)\s*\n", (Path(directory) / "INFO.OUT").read_text())
        return {**results, **({"magmom": float(moments[-1])} if moments else {})}


def species_directory(parameters: Mapping[str, Any]) -> Path:
    """Return the directory of the files of species.

    Parameters
    ----------
    parameters
        Arguments of the calculator.

    Raises
    ------
    InputError
        Neither they, the settings nor Debian's place have it.
    """
    said = parameters.get("sppath") or parameters.get("species_dir")
    return Path(said) if said else PROGRAM.programs.data_dir("/usr/share/elk-lapw/species", key="sppath")
