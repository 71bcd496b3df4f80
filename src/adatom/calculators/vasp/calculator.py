"""VASP as an ASE calculator: ASE's input and output, and a run that reports its failures."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes
from ase.calculators.singlepoint import SinglePointCalculator
from ase.calculators.vasp import Vasp as VaspOfASE
from ase.calculators.vasp import create_input
from ase.constraints import FixAtoms, FixedLine, FixedPlane, FixScaled

from adatom.calculators.running import last_lines, run_program
from adatom.calculators.vasp.custodian import Correction, Supervision, supervision
from adatom.calculators.vasp.divisions import DIVISIONS, FILES
from adatom.calculators.vasp.program import PROGRAMS
from adatom.calculators.vasp.stopping import InTime, check_stopped, in_time, remove_output
from adatom.calculators.vasp.structure import alike, right_handed, with_moments
from adatom.errors import AdatomError, ConvergenceError, InputError, ProgramError

__all__ = ["PARAMETERS", "Vasp"]

_KNOWN = [kind for kind in vars(create_input.GenerateVaspInput()).values() if isinstance(kind, dict)]
_OWN = {"bader", "bandgap", "chargemol", "incar_advice", "input_set", "moments"}
PARAMETERS = tuple(sorted({key for kind in _KNOWN for key in kind} - {"txt", "net_charge"} | _OWN))
_OUTPUT, _DONE = "vasp.out", "General timing and accounting"
_OF_A_STEP = ("energy", "free_energy", "forces", "stress")
# What VASP prints when it gives up, and what helps.
_CAUSES = {
    "ZBRENT: fatal error": "The line search of the relaxation failed: go on from the last structure, or set ibrion=1.",
    "Error EDDDAV": "Set algo='All'.",
    "BRMIX: very serious problems": "The charge density lost electrons: set algo='All', or another amix.",
    "ZPOTRF failed": "Atoms may be too close, or potim too large.",
    "EDWAV: internal error": "Set algo='All', or another ncore.",
    "Tetrahedron method fails": "Set ismear=0, or give more k points.",
    "insufficient virtual memory|[Oo]ut of memory": "Give the job more memory, or more nodes.",
}


class Vasp(VaspOfASE):
    """ASE's calculator, as `adatom.calculators.vasp.make.make_vasp` makes it.

    Parameters
    ----------
    program
        Name of the program: ``"vasp_std"``, ``"vasp_gam"`` or ``"vasp_ncl"``.
    moments
        Magnetic moment of each atom, in Bohr magnetons, in place of its initial one. None: those of the structure.
    **kwargs
        Parameters of ASE's calculator.

    Attributes
    ----------
    advise
        Function that returns parameters and changes for a structure, parameters and whether VASP relaxes; None: there
        is no advice.
    divisions
        Of `bader` and `chargemol`, the values given to `adatom.calculators.vasp.make.make_vasp`.
    corrections
        What custodian's handlers corrected in all runs so far. Parameters that they changed stay as they made them.
    """

    def __init__(self, program: str, moments: Sequence[float] | None = None, **kwargs: Any) -> None:
        super().__init__(txt=None, command=program, **kwargs)
        self._program, self._moments, self._relaxes = program, moments, False
        self._first = True  # no run yet
        self.corrections: list[Correction] = []
        self.advise: Callable[..., tuple[dict[str, Any], list[str]]] | None = None
        self.divisions: dict[str, bool | None] = {}
        if moments is not None:
            self.parameters["moments"] = list(moments)  # a later run from the files needs the same symmetry

    def given(self, atoms: Atoms) -> Atoms:
        """Return a structure as VASP gets it: periodic, with a right-handed cell, and with the moments of the set.

        Parameters
        ----------
        atoms
            Structure, which is not changed.
        """
        return with_moments(right_handed(atoms), self._moments)

    def say(self, changes: Sequence[str]) -> None:
        """Add changes that were made by advice to the parameters of the result.

        Parameters
        ----------
        changes
            What was changed, and why.
        """
        if changes:
            self.parameters["incar_changes"] = [*self.parameters.get("incar_changes", ()), *changes]

    def calculate(
        self, atoms: Atoms | None = None, properties: Sequence[str] = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Run VASP for a structure.

        Parameters
        ----------
        atoms, properties, system_changes
            Same as in the calculators of ASE.

        Raises
        ------
        ProgramError
            VASP ended before its end.
        ConvergenceError
            The SCF did not converge.
        """
        known = self.atoms if atoms is None else atoms
        if self._first and self._program == "vasp_gam" and (Path(self.directory) / "WAVECAR").exists():
            self._program = PROGRAMS.main  # of an earlier run, which kept it
        self._first = False
        if not self._relaxes and self.int_params["nsw"]:  # of a set that is made for a relaxation
            self.set(ibrion=None, isif=None, nsw=0, ediffg=None)  # type: ignore[no-untyped-call]
        super().calculate(self.given(known), properties, system_changes)  # type: ignore[no-untyped-call]
        self._atoms = known.copy()  # past ASE's setter, which would drop the results for a cell that was turned

    def entries(self, atoms: Atoms) -> dict[str, Any]:
        """Return what a result has besides the properties: charges of atoms, and the structure with its moments.

        A failure of ``bader`` or ``chargemol`` is a warning and an entry ``error``, and loses nothing else. The moments
        are the initial ones of a run that goes on from there: with spin along one axis, and where VASP prints them
        (LORBIT).

        Parameters
        ----------
        atoms
            Structure of the result. If the last run was for another one, there is nothing.
        """
        if self.check_state(atoms):  # type: ignore[no-untyped-call]
            return {}
        found: dict[str, Any] = {}
        moments = np.asarray(self.results.get("magmoms"))
        along_an_axis = self.spinpol and np.ndim(atoms.get_initial_magnetic_moments()) == 1
        if along_an_axis and (self.int_params["lorbit"] or 0) >= 10 and moments.shape == (len(atoms),):
            found["atoms"] = with_moments(atoms, alike(atoms, moments))
        place, numbers = Path(self.directory), [number for _, number in self.symbol_count]
        if not self.bool_params["laechg"] or not all((place / name).exists() for name in FILES):
            return found
        for program, wanted in self.divisions.items():
            try:
                if wanted is not False and (command := DIVISIONS[program].find(bool(wanted))):
                    found[program] = DIVISIONS[program].divide(place, command, numbers, self.resort)
            except (AdatomError, OSError, ValueError, IndexError) as error:  # the latter: a density that is not whole
                said = f"There are no charges of {program}: {error}"
                warnings.warn(said, stacklevel=2)
                found[program] = {"error": said}
        return found

    def relax(
        self,
        atoms: Atoms,
        *,
        relax_cell: bool,
        pressure: float,
        fmax: float,
        max_steps: int,
        properties: Sequence[str],
    ) -> tuple[list[Atoms], bool]:
        """Relax a structure with VASP's own optimizer.

        Parameters
        ----------
        atoms
            Structure to relax; it is not changed.
        relax_cell
            Whether the cell changes too.
        pressure
            Pressure in GPa that the cell is relaxed under.
        fmax
            Largest force that may remain on an atom, in eV/Å.
        max_steps
            Largest number of steps of the optimizer.
        properties
            Properties to compute for the structures.

        Raises
        ------
        InputError
            A constraint that VASP does not have, or a second pressure in the settings.

        Returns
        -------
        images : list of Atoms
            Structures of all steps with their properties, the relaxed one last.
        converged : bool
            Whether `fmax` was reached.
        """
        for constraint in atoms.constraints:
            if not isinstance(constraint, FixAtoms | FixScaled | FixedPlane | FixedLine):
                name = type(constraint).__name__
                raise InputError(f"VASP cannot hold what {name} holds: use ase_relax_job, or FixAtoms.")
        if pressure and self.float_params["pstress"] is not None:
            raise InputError(f"pressure is {pressure!r} GPa, and calc_kwargs has pstress. Give one.")
        steps: dict[str, Any] = {"isif": 3 if relax_cell else 2, "nsw": max_steps, "ediffg": -fmax}
        if self.int_params["ibrion"] not in (1, 2, 3):
            steps["ibrion"] = 2
        if pressure:
            steps["pstress"] = 10 * pressure  # kbar
        if self.advise:
            better, changes = self.advise(atoms, self.parameters, relaxes=True)
            steps |= {key: value for key, value in better.items() if value is not self.parameters.get(key)}
            self.say(changes)
        self.set(**steps)  # type: ignore[no-untyped-call]
        self._relaxes = True
        self.calculate(atoms, list(properties), all_changes)
        images = self._images(atoms)
        self._atoms = images[-1].copy()  # the results are of this structure: for another VASP would run again
        return images, "reached required accuracy" in (Path(self.directory) / "OUTCAR").read_text()

    def _images(self, atoms: Atoms) -> list[Atoms]:
        from ase.io import read

        given, images = right_handed(atoms), []
        start, turned = given.get_scaled_positions(wrap=False), 1 if atoms.cell.handedness > 0 else -1
        for step in read(Path(self.directory) / "vasprun.xml", ":", format="vasp-xml"):
            moved = step.get_scaled_positions(wrap=False)[self.resort] - start
            image = atoms.copy()
            image.set_cell(turned * step.cell.array)
            image.positions = (start + moved - np.round(moved)) @ step.cell.array  # VASP moves atoms back into the cell
            results = {name: step.calc.results[name] for name in _OF_A_STEP if name in step.calc.results}
            image.calc = SinglePointCalculator(image, **{**results, "forces": results["forces"][self.resort]})
            images.append(image)
        return images

    def make_command(self, command: str | None = None) -> str:
        """Return the name of the program, as ASE asks for it."""
        return self._program

    def _run(self, command: Any = None, out: Any = None, directory: Any = None) -> tuple[int, str]:
        place, program = Path(directory or self.directory).absolute(), self._program
        outcar, output = place / "OUTCAR", place / _OUTPUT
        watch = in_time(program, place, self._relaxes)
        under = supervision()
        try:
            if under is None:
                remove_output(place)
                run_program(
                    program,
                    PROGRAMS.command(program),
                    place,
                    output=_OUTPUT,
                    errors="vasp.err",
                    more=[outcar.name],
                    watch=watch,
                )
            else:
                self._supervise(under, place, watch)
            check_stopped(place)
            text = outcar.read_text(errors="replace") if outcar.exists() else ""
            if _DONE not in text:
                raise ProgramError(
                    "\n".join([f"{program} ended before its end.", *last_lines(place, _OUTPUT, "OUTCAR")])
                )
        except ProgramError as error:
            said = "\n".join(file.read_text(errors="replace") for file in (output, outcar) if file.exists())
            advice = next((advice for words, advice in _CAUSES.items() if re.search(words, said)), "")
            raise ProgramError(f"{error}\n{advice}".rstrip()) from error
        if text.rfind("because EDIFF is reached") < max(text.rfind("- Iteration"), 0):
            steps = self.int_params["nelm"] or 60
            raise ConvergenceError(
                f"The SCF of VASP did not converge in {steps} steps. Raise nelm, set algo='All', or give other initial "
                "moments."
            )
        return 0, ""

    def _supervise(self, under: Supervision, place: Path, watch: InTime | None) -> None:
        """Run VASP under custodian, and take over what it changed."""
        from ase.io import read

        def command() -> list[str]:
            if self._program == "vasp_gam" and (place / "KPOINTS").read_text().split("\n")[3].split() != ["1"] * 3:
                self._program = PROGRAMS.main  # more k points may have been the correction
            remove_output(place)
            return PROGRAMS.command(self._program)

        given: Any = read(place / "POSCAR", format="vasp")
        try:
            changed = under.run(self._program, command, place, _OUTPUT, "vasp.err", watch)
        finally:
            self.corrections += under.corrections
        if not changed and not under.corrections:
            return
        left: Any = read(place / "POSCAR", format="vasp")
        moved = left.get_scaled_positions(wrap=False) - given.get_scaled_positions(wrap=False)
        if not self._relaxes and max(np.ptp(left.cell - given.cell), np.abs(moved - np.round(moved)).max()) > 1e-5:
            raise ProgramError("A handler of custodian changed the structure, which a static cannot have.")
        known = {key: value for key, value in changed.items() if key in PARAMETERS}
        if custom := {key: value for key, value in changed.items() if key not in PARAMETERS}:
            known["custom"] = {**dict(self.input_params["custom"] or ()), **custom}  # type: ignore[arg-type]
        self.set(**known)  # type: ignore[no-untyped-call]
