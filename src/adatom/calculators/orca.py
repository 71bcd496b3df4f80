"""ORCA as an ASE calculator: words and blocks over those of presets, its own optimizer and its own reaction path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes
from ase.calculators.genericfileio import GenericFileIOCalculator
from ase.calculators.orca import OrcaTemplate
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read
from ase.io.orca import read_orca_engrad, read_orca_output
from ase.units import Bohr, Hartree

from adatom.calculators.constraints import fixed_atoms
from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs, megabytes
from adatom.calculators.spin import state_of
from adatom.errors import InputError, ProgramError
from adatom.execution.context import current_job

__all__ = ["Orca", "layer", "make_orca", "switched_on", "table"]

PROGRAM = ProgramProfile(
    Programs("orca", "orca", "https://orcaforum.kofo.mpg.de, which is free for academic use", launches=True),
    output="orca.out",
    done="ORCA TERMINATED NORMALLY",
    unconverged=r"SCF NOT CONVERGED AFTER|[Ww]avefunction not fully converged|WAVEFUNCTION IS NOT CONVERGED",
    advice="Add SlowConv to `keywords`, or '%scf MaxIter 300 end' to `blocks`.",
    takes_input=True,
)

Words = Sequence[str] | Mapping[str, Any]


class Orca(GenericFileIOCalculator):
    """Calculator of ORCA, with ASE's input and output.

    Parameters
    ----------
    keywords
        Words of the simple input: a list such as ``["B3LYP", "def2-TZVP"]``, or a table ``{"B3LYP": True}``. ``EnGrad``
        is added where forces are needed.
    blocks
        Blocks of the input: a list such as ``["%scf MaxIter 300 end"]``, or a table ``{"scf": {"MaxIter": 300}}``. The
        number of processes is that of the job, and ``maxcore`` its memory for each.
    charge, multiplicity
        Same as in `adatom.calculators.spin.state_of`.
    """

    def __init__(
        self,
        keywords: Words,
        blocks: Words = (),
        charge: int | None = None,
        multiplicity: int | None = None,
    ) -> None:
        lines = [_block(name, value) for name, value in table(blocks).items() if value is not False]
        given = {"keywords": switched_on(keywords), "blocks": lines, "charge": charge, "multiplicity": multiplicity}
        profile = PROGRAM.check()
        super().__init__(template=_Template(), profile=profile, directory=".", parameters=given)  # type: ignore[no-untyped-call]

    def relax(
        self,
        atoms: Atoms,
        *,
        relax_cell: bool,
        pressure: float,
        fmax: float,
        max_steps: int,
        properties: Sequence[str],
        saddle: bool = False,
    ) -> tuple[list[Atoms], bool]:
        """Relax a molecule with ORCA's own optimizer, and compute the forces at its end in a second run.

        Parameters
        ----------
        atoms
            Structure to relax; it is not changed.
        relax_cell, pressure
            Not used: a molecule has no cell.
        fmax
            Bound for ORCA's largest gradient, in eV/Å, besides its own criteria for the energy and the steps.
        max_steps
            Largest number of steps of the optimizer.
        properties
            Properties to compute at the end.
        saddle
            Whether to go to a saddle point of first order, from the Hessian at the start.

        Raises
        ------
        InputError
            A constraint that ORCA does not have.

        Returns
        -------
        images : list of Atoms
            Structures of all steps with their energies, the relaxed one last, with its properties.
        converged : bool
            Whether ORCA's criteria were met.
        """
        gradient = fmax / (Hartree / Bohr)
        settings = {"MaxIter": max_steps, "TolMaxG": f"{gradient:.6e}", "TolRMSG": f"{gradient / 3:.6e}"}
        settings |= {"Calc_Hess": "true"} if saddle else {}
        if fixed := fixed_atoms(atoms, "ORCA"):
            settings["Constraints"] = "\n    ".join(["", *(f"{{ C {i} C }}" for i in fixed), "end"])
        text = self._move("opt", atoms, "OptTS" if saddle else "Opt", "geom", settings)
        images = [_image(atoms, step) for step in _steps(self.directory / "opt_trj.xyz")]
        last = _image(atoms, _steps(self.directory / "opt.xyz")[-1])
        last.calc = None
        self.calculate(last, list(properties), all_changes)  # type: ignore[no-untyped-call]
        last.calc = SinglePointCalculator(last, **self.results)
        return [*images[:-1], last], "THE OPTIMIZATION HAS CONVERGED" in text

    def irc(self, atoms: Atoms, *, fmax: float, max_steps: int) -> tuple[list[Atoms], list[Atoms], bool]:
        """Follow ORCA's intrinsic reaction coordinate from a saddle point down to both sides.

        Parameters
        ----------
        atoms
            Saddle point; it is not changed.
        fmax
            Largest gradient at the ends, in eV/Å; ORCA's limit for its mean square is a quarter of it, as by default.
        max_steps
            Largest number of structures on each side.

        Raises
        ------
        InputError
            A block sets what the job sets.
        ProgramError
            ORCA's table of the path and its structures do not fit.

        Returns
        -------
        backward, forward : list of Atoms
            Structures of the two sides, as ORCA calls them, with their energies.
        converged : bool
            Whether ORCA's criteria were met on both sides.
        """
        gradient = fmax / (Hartree / Bohr)
        settings = {"MaxIter": max_steps, "Direction": "both"}
        settings |= {"TolMaxG": f"{gradient:.6e}", "TolRMSG": f"{gradient / 4:.6e}"}
        for block in cast(dict[str, Any], self.parameters)["blocks"]:
            for name in settings if block.lower().startswith("%irc") else ():
                if re.search(rf"\b{name}\b", block, re.IGNORECASE):
                    raise InputError(f"blocks has {name} of %irc, which the job sets. Give max_steps and fmax.")
        text = self._move("irc", atoms, "IRC", "irc", settings)
        images = [_image(atoms, step) for step in _steps(self.directory / "irc_IRC_Full_trj.xyz")]
        energies = np.array([image.get_potential_energy() for image in images])
        table = re.search(r"IRC PATH SUMMARY[\s\S]*?RMS\(G\).*\n((?: *\d+ +-?\d+\.\d+ .*\n)*)", text)
        rows = [line.split() for line in table[1].splitlines()] if table else []
        printed = np.array([float(row[1]) for row in rows]) * Hartree
        saddles = [i for i, row in enumerate(rows) if row[-1] == "TS"]
        if len(saddles) != 1 or printed.shape != energies.shape or np.abs(printed - energies).max() > 1e-4:
            raise ProgramError(
                f"irc.out has a table of {len(rows)} structures, {len(saddles)} of them a saddle point, and "
                f"irc_IRC_Full_trj.xyz has {len(images)}; they do not fit."
            )
        place = saddles[0]
        return images[:place][::-1], images[place + 1 :], text.count("THE IRC HAS CONVERGED") == 2

    def _move(self, label: str, atoms: Atoms, word: str, block: str, settings: Mapping[str, Any]) -> str:
        """Run ORCA with one more word and block, and return its output."""
        given = cast(dict[str, Any], self.parameters)
        changed = {
            **given,
            "keywords": [*given["keywords"], word],
            "blocks": [*given["blocks"], _block(block, settings)],
        }
        template, profile = _Template(label), replace(PROGRAM, output=f"{label}.out")
        template.write_input(profile, self.directory, atoms, changed, ["energy"])
        template.execute(self.directory, profile)
        return (self.directory / profile.output).read_text(errors="replace")


def _steps(file: Path) -> list[tuple[float, Any]]:
    """Return energies in eV and positions from a file of ORCA's, whose comments have the energies."""
    if not file.exists():
        raise ProgramError(f"ORCA wrote no {file.name}.")
    energies = re.findall(r"^.*\bE\s+(-?\d+\.\d+).*$", file.read_text(), re.MULTILINE)
    frames = cast(list[Atoms], read(file, ":", format="xyz"))
    if len(energies) != len(frames):
        raise ProgramError(f"{file.name} has {len(frames)} structures, and {len(energies)} energies in their comments.")
    return [(float(energy) * Hartree, frame.positions) for energy, frame in zip(energies, frames, strict=True)]


def _image(atoms: Atoms, step: tuple[float, Any]) -> Atoms:
    image = atoms.copy()
    image.set_positions(step[1], apply_constraint=False)
    image.calc = SinglePointCalculator(image, energy=step[0])
    return image


class _Template(OrcaTemplate):
    """ASE's template, with the state and the ranks of the job, and forces where they are needed."""

    def __init__(self, label: str = "orca") -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.inputname, self.outputname = f"{label}.inp", f"{label}.out"
        self._asked: set[str] = set()

    def write_input(self, profile: Any, directory: Any, atoms: Any, parameters: Any, properties: Any) -> None:
        charge, multiplicity = state_of(atoms, parameters["charge"], parameters["multiplicity"])
        keywords, blocks = parameters["keywords"], parameters["blocks"]
        self._asked |= {*properties}  # a property asked for once is computed in later steps, too
        if "forces" in self._asked and "engrad" not in {word.lower() for word in keywords}:
            keywords = [*keywords, "EnGrad"]
        if (needs := current_job().resources) and needs.ranks > 1:
            blocks = [*blocks, f"%pal nprocs {needs.ranks} end"]
        memory = megabytes(0.75)  # what its manual recommends, as it takes more at times
        if needs and memory and not any(block.lower().startswith("%maxcore") for block in blocks):
            blocks = [*blocks, f"%maxcore {memory // needs.ranks_per_node}"]
        words: dict[str, Any] = {"orcasimpleinput": " ".join(keywords), "orcablocks": "\n".join(blocks)}
        words |= {"charge": charge, "mult": multiplicity}
        super().write_input(profile, directory, atoms, words, properties)  # type: ignore[no-untyped-call]

    def read_results(self, directory: Any) -> dict[str, Any]:
        output = Path(directory) / self.outputname
        results = dict(read_orca_output(output, index=-1).calc.results)
        if (gradient := output.with_suffix(".engrad")).exists():  # with more digits
            results["forces"] = read_orca_engrad(gradient)
        return {name: value for name, value in results.items() if value is not None}


def table(words: Words) -> dict[str, Any]:
    """Return words, or blocks, as a table of what is switched on or given.

    Parameters
    ----------
    words
        List, or table.
    """
    return dict(words) if isinstance(words, Mapping) else dict.fromkeys(words, True)


def switched_on(words: Words) -> list[str]:
    """Return the words that are switched on.

    Parameters
    ----------
    words
        List, or table.
    """
    return [word for word, on in table(words).items() if on is True]


def _block(name: str, value: Any) -> str:
    if name.startswith("%"):  # as it is
        return name
    if isinstance(value, Mapping):
        return "\n".join([f"%{name}", *(f"  {key} {one}" for key, one in value.items()), "end"])
    return f"%{name} {value}"


def layer(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters in which names in tables are in lower case, so that they meet those of other layers.

    Parameters
    ----------
    parameters
        Some of the arguments of `Orca`.
    """

    def lowered(table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        return {key if key.startswith("%") else key.lower(): lowered(value) for key, value in table.items()}

    return {name: lowered(value) for name, value in parameters.items()}


def make_orca(atoms: Atoms, **calc_kwargs: Any) -> Orca:
    """Return the calculator for a structure.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    **calc_kwargs
        Arguments of `Orca`.
    """
    return Orca(**calc_kwargs)
