"""VASP as an ASE calculator: ASE's input and output, and a run that reports its failures."""

from __future__ import annotations

import functools
import os
import re
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes
from ase.calculators.singlepoint import SinglePointCalculator
from ase.calculators.vasp import Vasp as VaspOfASE
from ase.calculators.vasp import create_input
from ase.constraints import FixAtoms, FixedLine, FixedPlane, FixScaled
from numpy.typing import NDArray

from adatom.calculators.k_points import numbers_of
from adatom.calculators.programs import Programs
from adatom.calculators.running import last_lines, run_program
from adatom.calculators.vasp_advice import Facts, Mode, advised
from adatom.calculators.vasp_bader import FILES, bader_charges, bader_command
from adatom.calculators.vasp_custodian import Correction, Supervision, check_supervision, supervision
from adatom.calculators.vasp_sets import arguments_of
from adatom.calculators.vasp_stopping import InTime, check_stopped, in_time, remove_output
from adatom.errors import AdatomError, ConvergenceError, InputError, ProgramError
from adatom.execution.context import current_job
from adatom.utils.merge import Remove

__all__ = ["PARAMETERS", "Vasp", "k_grid", "layer", "make_vasp", "right_handed"]

PROGRAMS = Programs("vasp", "vasp_std", "https://www.vasp.at, with a licence")
_KNOWN = [kind for kind in vars(create_input.GenerateVaspInput()).values() if isinstance(kind, dict)]
_OWN = {"bader", "bandgap", "incar_advice", "input_set", "moments"}
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


def layer(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return parameters in a form in which those that are removed reach `make_vasp`, for which None is no tag.

    Parameters
    ----------
    parameters
        Some of the arguments of `make_vasp`; None: none of them.
    """
    return {key: None if value is Remove else value for key, value in (parameters or {}).items()}


def make_vasp(
    atoms: Atoms,
    *,
    input_set: str | None = None,
    bandgap: float | None = None,
    moments: Sequence[float] | None = None,
    bader: bool | None = None,
    incar_advice: Mode = "warn",
    explicit: Collection[str] = (),
    **calc_kwargs: Any,
) -> Vasp:
    """Return the calculator for a structure.

    Parameters
    ----------
    atoms
        Structure to compute, with three cell vectors. Initial magnetic moments become MAGMOM, initial charges NELECT.
    input_set
        Name of an input set of pymatgen, one of `adatom.calculators.vasp_sets.SETS`, that `calc_kwargs` override.
    bandgap
        Band gap in eV, by which some input sets choose the smearing and the distance of k points. None: not known.
    moments
        Magnetic moment of each atom, in Bohr magnetons, in place of its initial one. None: those of the structure, or
        those that the input set gives.
    bader
        Whether Bader's charges of the last structure become part of the result. True sets ``laechg`` and ``lcharg``.
        None: if the run leaves the densities, and the program ``bader`` is there.
    incar_advice
        What happens where tags do not go together: ``"off"``, ``"warn"``, or ``"correct"``, which changes them. See
        `adatom.calculators.vasp_advice.advised`.
    explicit
        Names of the arguments that are the user's own, which advice never changes.
    **calc_kwargs
        Arguments of ASE's ``Vasp``: tags of INCAR in lower case, ``xc``, ``setups``, ``kpts``, ``gamma``, ``charge``.
        None: the tag is left out.

    Raises
    ------
    InputError
        The cell, a potential, VASP or, if it is asked for, ``bader`` is missing, initial magnetic moments are vectors
        in a collinear calculation, there is a band gap without an input set, or the settings name a handler or
        validator that does not exist.
    MissingExtraError
        custodian or a package with an input set is not installed.
    """
    if atoms.cell.rank < 3:
        raise InputError(
            f"VASP needs a cell of three vectors; that of {atoms.get_chemical_formula()} is "
            f"{atoms.cell.array.tolist()}. For a molecule: atoms.center(vacuum=8)."
        )
    noncollinear = bool(calc_kwargs.get("lnoncollinear") or calc_kwargs.get("lsorbit"))
    if np.ndim(atoms.get_initial_magnetic_moments()) == 2 and not noncollinear:
        raise InputError("The initial magnetic moments are vectors: set lnoncollinear=True, or give numbers.")
    if input_set is not None:
        calc_kwargs = {**arguments_of(input_set, atoms, bandgap), **calc_kwargs}
        of_set = calc_kwargs.pop("moments", None)
        moments = of_set if moments is None else moments
    elif bandgap is not None:
        raise InputError(f"bandgap is {bandgap!r}, which only input sets have a use for. Give a preset that is one.")
    check_supervision()
    if bader:
        bader_command(required=True)
        if off := [key for key in ("laechg", "lcharg") if key in explicit and not calc_kwargs.get(key)]:
            raise InputError(
                f"bader=True needs the densities, and {off[0]} is {calc_kwargs.get(off[0])!r}. Leave it out."
            )
        calc_kwargs |= {"laechg": True, "lcharg": True}
    charge = float(atoms.get_initial_charges().sum())
    if charge and "charge" not in calc_kwargs:
        calc_kwargs["charge"] = charge
    advise = functools.partial(_advise, incar_advice, explicit, input_set is not None, bandgap)
    calc_kwargs, changes = advise(_with_moments(atoms, moments), calc_kwargs)
    made = Vasp(_program(calc_kwargs, noncollinear), moments, **calc_kwargs)
    made.say(changes)
    made.advise, made.bader = advise, bader
    _name_potentials()
    try:
        made.initialize(made.given(atoms))
    except RuntimeError as error:
        looked = re.search(r"Looking for (\S+)", str(error))
        raise InputError(
            f"There is no potential {looked[1] if looked else error}. Set ADATOM_DATA_DIRS__VASP to the directory "
            "with potpaw_PBE, or give setups, such as {'base': 'recommended'} or {'Cu': '_pv'}."
        ) from error
    return made


def _advise(
    mode: Mode,
    explicit: Collection[str],
    published: bool,
    bandgap: float | None,
    atoms: Atoms,
    calc_kwargs: Mapping[str, Any],
    relaxes: bool = False,
) -> tuple[dict[str, Any], list[str]]:
    """Return arguments of ASE's ``Vasp`` after the changes of `advised`, and these in words."""
    known: Any = create_input.GenerateVaspInput.xc_defaults.get(str(calc_kwargs.get("xc")).lower(), {})
    kpts: Any = calc_kwargs.get("kpts")
    points = None
    if spacing := calc_kwargs.get("kspacing"):
        points = int(np.prod(numbers_of(right_handed(atoms), spacing)))
    elif np.shape(kpts) == (3,) or kpts is None:  # ASE's is one k point
        points = int(np.prod(1 if kpts is None else kpts))
    elif np.ndim(kpts) == 2:
        points = 0
    needs = current_job().resources
    facts = Facts({**known, **calc_kwargs}, atoms, points, needs.ranks if needs else None, bandgap, relaxes)
    changes, texts = advised(mode, facts, explicit, published)
    return {**calc_kwargs, **changes}, texts


def _with_moments(atoms: Atoms, moments: Sequence[float] | None) -> Atoms:
    """Return a structure with the moments that VASP gets."""
    if moments is None:
        return atoms
    given = atoms.copy()
    given.set_initial_magnetic_moments(moments)
    return given


def k_grid(atoms: Atoms, parameters: Mapping[str, Any], slab: Atoms | None = None) -> dict[str, Any]:
    """Return the numbers of k points that ``kspacing`` or an input set gives for a structure, in its place.

    Parameters
    ----------
    atoms
        Structure from whose cell the numbers follow.
    parameters
        Keyword arguments of `make_vasp`. Those with numbers of their own derive nothing.
    slab
        Slab with the same first two cell vectors, from whose cell the numbers along these follow. None: all numbers
        follow from `atoms`.
    """
    if name := parameters.get("input_set"):
        parameters = {**arguments_of(name, atoms, parameters.get("bandgap")), **parameters}
    if not (spacing := parameters.get("kspacing")):
        return {key: parameters[key] for key in ("kpts", "gamma") if key in parameters} if name else {}
    numbers = numbers_of(right_handed(atoms), spacing, slab and right_handed(slab))
    gamma = parameters.get("kgamma") in (None, True)
    return {"kpts": numbers, "gamma": gamma, "kspacing": None, "kgamma": None}


def _program(calc_kwargs: Mapping[str, Any], noncollinear: bool) -> str:
    """Return the program that the settings need, and look that it is there; vasp_gam is used only if it is.

    The wave functions of vasp_gam are half of those that vasp_std reads, so that what is kept is of the latter.
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


def _name_potentials() -> None:
    """Tell ASE, which knows no other way than for the whole process, where the potentials are."""
    from ase.config import cfg

    directory = PROGRAMS.data_dir(os.environ.get(create_input.GenerateVaspInput.VASP_PP_PATH), key="pp_path")
    if not cfg.parser.has_section("environment"):
        cfg.parser.add_section("environment")
    cfg.parser["environment"][create_input.GenerateVaspInput.VASP_PP_PATH] = str(directory).replace("$", "$$")


def right_handed(atoms: Atoms) -> Atoms:
    """Return a periodic copy with a right-handed cell: VASP refuses others, and the opposite vectors span the same.

    Parameters
    ----------
    atoms
        Structure, which is not changed.
    """
    given = atoms.copy()
    given.pbc = True
    if given.cell.handedness < 0:
        given.set_cell(-given.cell.array)
    return given


def _alike(atoms: Atoms, moments: NDArray[np.float64], least: float = 0.05) -> list[float]:
    """Return moments of which those that are nearly the same, of one element, are the same; zeros if all are small."""
    found = np.zeros(len(atoms))
    if np.abs(moments).max() > least:
        for number in set(atoms.numbers):
            (places,) = np.nonzero(atoms.numbers == number)
            places = places[np.argsort(moments[places])]
            for group in np.split(places, 1 + np.nonzero(np.diff(moments[places]) > least)[0]):
                found[group] = round(float(moments[group].mean()), 3)
    return [float(moment) for moment in found]


class Vasp(VaspOfASE):
    """ASE's calculator, as `make_vasp` makes it.

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
    bader
        Same as in `make_vasp`.
    corrections
        What custodian's handlers corrected in all runs so far. Parameters that they changed stay as they made them.
    """

    def __init__(self, program: str, moments: Sequence[float] | None = None, **kwargs: Any) -> None:
        super().__init__(txt=None, command=program, **kwargs)
        self._program, self._moments, self._relaxes = program, moments, False
        self._first = True  # no run yet
        self.corrections: list[Correction] = []
        self.advise: Callable[..., tuple[dict[str, Any], list[str]]] | None = None
        self.bader: bool | None = None
        if moments is not None:
            self.parameters["moments"] = list(moments)  # a later run from the files needs the same symmetry

    def given(self, atoms: Atoms) -> Atoms:
        """Return a structure as VASP gets it: periodic, with a right-handed cell, and with the moments of the set.

        Parameters
        ----------
        atoms
            Structure, which is not changed.
        """
        return _with_moments(right_handed(atoms), self._moments)

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
        """Return what a result has besides the properties: Bader's charges, and the structure with its moments.

        A failure of ``bader`` is a warning and an entry ``error``, and loses nothing else. The moments are the initial
        ones of a run that goes on from there: with spin along one axis, and where VASP prints them (LORBIT).

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
            found["atoms"] = _with_moments(atoms, _alike(atoms, moments))
        place = Path(self.directory)
        if self.bader is False or not self.bool_params["laechg"] or not all((place / name).exists() for name in FILES):
            return found
        try:
            if command := bader_command(bool(self.bader)):
                numbers = [number for _, number in self.symbol_count]
                found["bader"] = bader_charges(place, command, numbers, self.resort)
        except (AdatomError, OSError, ValueError, IndexError) as error:  # the latter for a density that is not whole
            said = f"There are no Bader charges: {error}"
            warnings.warn(said, stacklevel=2)
            found["bader"] = {"error": said}
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
