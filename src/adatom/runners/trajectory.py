"""Trajectories, written without asking the calculator the same thing again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ase.calculators.calculator import all_properties
from ase.io.trajectory import TrajectoryWriter

__all__ = ["Trajectory"]

_PROPERTIES = frozenset(all_properties)


class Trajectory(TrajectoryWriter):
    """ASE's trajectory file, open for the whole run.

    ASE's own writer compares the structure with the calculator's for each property, and an optimizer that is given a
    path opens the file for each structure: together that costs as much as the forces of a few atoms do.

    Parameters
    ----------
    path
        The file; an old one is replaced.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w")  # type: ignore[no-untyped-call]

    def write(self, atoms: Any = None, **kwargs: Any) -> None:
        """Write a structure, or the structures of a filter, with what is known of them.

        Parameters
        ----------
        atoms
            The structure, a filter, or what an optimizer moves.
        **kwargs
            Further properties, by ASE's names.
        """
        for image in (self.atoms if atoms is None else atoms).iterimages():
            known = _known(image.calc, image)
            super().write(image, **{**known, **kwargs})  # type: ignore[no-untyped-call]


def _known(calculator: Any, atoms: Any) -> dict[str, Any]:
    """The calculator's properties, None where it has no value; nothing where ASE must ask it itself."""
    if calculator is None or not hasattr(calculator, "check_state") or calculator.check_state(atoms):
        return {}
    results = calculator.results
    return {name: results.get(name) for name in calculator.implemented_properties if name in _PROPERTIES}
