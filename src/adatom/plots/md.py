"""Picture of molecular dynamics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from adatom.atoms.freedoms import Freedoms
from adatom.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from adatom.schemas.results import MDResult

__all__ = ["draw_md"]


def draw_md(result: MDResult, figure: Figure) -> None:
    """Draw energies in eV and temperature in K against time in ps, as the trajectory has them.

    Parameters
    ----------
    result
        Result of molecular dynamics; its trajectory is read.
    figure
        Empty figure to draw into.

    Raises
    ------
    InputError
        The trajectory is not there any more.
    """
    from ase.io import read

    path = Path(result["trajectory"])
    if not path.exists():
        raise InputError(f"The trajectory {path} is not there. It is drawn on the machine that has it.")
    frames: list[Atoms] = read(path, ":")  # type: ignore[assignment]
    step = result["parameters"]["timestep"] * result["parameters"]["interval"] / 1000
    time = step * np.arange(len(frames))
    potential = np.array([frame.get_potential_energy() for frame in frames])
    kinetic = np.array([frame.get_kinetic_energy() for frame in frames])
    top, bottom = figure.subplots(2, 1, sharex=True)
    top.plot(time, potential - potential[0], label="potential")
    top.plot(time, potential + kinetic - potential[0] - kinetic[0], label="total")
    top.set_ylabel("energy (eV)")
    top.legend(frameon=False)
    freedoms = Freedoms(frames[0], result["parameters"]["dynamics"])
    bottom.plot(time, [freedoms.temperature(frame.get_momenta()) for frame in frames], color="C3")
    bottom.set_ylabel("temperature (K)")
    bottom.set_xlabel("time (ps)")
