"""VASP's programs and potentials, found as those of all codes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from ase.calculators.vasp import create_input

from adatom.calculators.programs import Programs
from adatom.errors import InputError

__all__ = ["PROGRAMS", "choose_program", "name_potentials"]

PROGRAMS = Programs("vasp", "vasp_std", "https://www.vasp.at, with a licence")


def choose_program(calc_kwargs: Mapping[str, Any], noncollinear: bool) -> str:
    """Return the program that the settings need, and look that it is there; vasp_gam is used only if it is.

    The wave functions of vasp_gam are half of those that vasp_std reads, so that what is kept is of the latter.

    Parameters
    ----------
    calc_kwargs
        Arguments of ASE's ``Vasp``.
    noncollinear
        Whether the spin has a direction.

    Raises
    ------
    InputError
        The program is not there.
    """
    if noncollinear:
        PROGRAMS.command("vasp_ncl")
        return "vasp_ncl"
    PROGRAMS.command()
    kpts = calc_kwargs.get("kpts") or (1, 1, 1)
    alone = not (calc_kwargs.get("kspacing") or calc_kwargs.get("lwave"))
    if alone and np.shape(kpts) in ((), (3,)) and np.prod(kpts) == 1:
        try:
            PROGRAMS.command("vasp_gam")
        except InputError:
            return PROGRAMS.main
        return "vasp_gam"
    return PROGRAMS.main


def name_potentials() -> None:
    """Tell ASE, which knows no other way than for the whole process, where the potentials are."""
    from ase.config import cfg

    directory = PROGRAMS.data_dir(os.environ.get(create_input.GenerateVaspInput.VASP_PP_PATH), key="pp_path")
    if not cfg.parser.has_section("environment"):
        cfg.parser.add_section("environment")
    cfg.parser["environment"][create_input.GenerateVaspInput.VASP_PP_PATH] = str(directory).replace("$", "$$")
