"""Picture of molecular dynamics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from adatom.atoms.freedoms import Freedoms
from adatom.errors import InputError
from adatom.plots.style import COLORS, marker

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from adatom.schemas.results import MDResult

__all__ = ["draw_md"]


def draw_md(result: MDResult, figure: Figure) -> None:
    """Draw energies in eV and temperature in K against time in ps, as the trajectory has them.

    Potential and total energy have the same zero, the potential energy at the start, which the axis names. The total
    energy is then the sum of the two other curves.

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
    zero = potential[0]
    figure.set_figheight(5.0)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    curves = {"potential": potential - zero, "kinetic": kinetic, "total": potential - zero + kinetic}
    for color, (name, energies) in zip(COLORS, curves.items(), strict=False):
        top.plot(time, energies, marker=marker(len(time)), color=color, label=name)
    top.set_ylabel(f"energy (eV)\n0 is a potential energy of {zero:.4f} eV")
    top.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)  # covers no curve
    freedoms = Freedoms(frames[0], result["parameters"]["dynamics"])
    temperatures = [freedoms.temperature(frame.get_momenta()) for frame in frames]
    bottom.plot(time, temperatures, marker=marker(len(time)), color=COLORS[4])
    bottom.set_ylabel("temperature (K)")
    bottom.set_xlabel("time (ps)")
