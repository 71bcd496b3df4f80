"""pw.x as an ASE calculator: ASE's input and output, and a run that reports its failures."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from ase import Atoms, units
from ase.calculators.espresso import EspressoProfile, EspressoTemplate
from ase.calculators.genericfileio import GenericFileIOCalculator
from ase.constraints import FixAtoms, FixCartesian

from adatom.calculators.espresso.namelists import FIXED, nested
from adatom.calculators.espresso.pseudopotentials import check_pseudopotentials, pseudo_dir
from adatom.calculators.espresso.reading import read_bands, read_structure
from adatom.calculators.espresso.running import PROGRAMS, check_scf, run
from adatom.calculators.espresso.stopping import take_over
from adatom.calculators.k_points import k_grid, spacing_of
from adatom.calculators.spin import charge_of
from adatom.calculators.time_limit import time_limit
from adatom.errors import InputError
from adatom.utils.merge import Remove, merge

__all__ = ["Espresso", "layer", "make_espresso"]

_WITHOUT_SCF = ("nscf", "bands")


def make_espresso(
    atoms: Atoms,
    calculation: str = "scf",
    *,
    input_data: Mapping[str, Any] | None = None,
    pseudopotentials: Mapping[str, str] | None = None,
    elements: Mapping[str, Mapping[str, Any]] | None = None,
    kpts: Any = None,
    kspacing: float | None = None,
    koffset: Any = (0, 0, 0),
    crystal_coordinates: bool = False,
    additional_cards: Any = None,
    rescale_magmom_fac: float = 1.0,
    charge: float | None = None,
) -> Espresso:
    """Return the calculator for a structure.

    Parameters
    ----------
    atoms
        Structure to compute, with three cell vectors.
    calculation
        Task of pw.x, as its keyword ``calculation`` takes it.
    input_data
        Keywords of pw.x and their values, with or without their namelists, in the units of Quantum ESPRESSO.
    pseudopotentials
        File names of pseudopotentials by element.
    elements
        For each element ``pseudopotential``, ``ecutwfc`` and ``ecutrho`` (Ry), which count if `pseudopotentials` and
        `input_data` have none. The largest cut-offs of all elements are used.
    kspacing
        Same as `spacing` in `adatom.calculators.k_points.numbers_of`, instead of `kpts`.
    kpts, koffset, crystal_coordinates, additional_cards, rescale_magmom_fac
        Same as in `ase.calculators.espresso.Espresso`.
    charge
        Charge in e. None: ``tot_charge`` of `input_data`, or else the sum of the initial charges of the atoms.

    Raises
    ------
    InputError
        A keyword, a pseudopotential, a cut-off, the k points, the cell or pw.x is missing or wrong, or initial magnetic
        moments are vectors.
    """
    spacing_of({"kpts": kpts, "kspacing": kspacing})
    _check_cell(atoms)
    _check_moments(atoms)
    data = nested("pw.x", input_data)
    rows = {element: (elements or {}).get(element, {}) for element in sorted(set(atoms.symbols))}
    names = _file_names(rows, pseudopotentials or {})
    directory = Path(data.get("control", {}).get("pseudo_dir") or pseudo_dir()).expanduser()
    check_pseudopotentials(atoms, names, directory)
    PROGRAMS.command()  # raises if pw.x does not exist
    _set_cutoffs(data.setdefault("system", {}), rows)
    _set_charge(data["system"], atoms, charge)
    data["control"] = {**data.get("control", {}), **FIXED, "calculation": calculation}
    return Espresso(
        directory,
        input_data=data,
        pseudopotentials=names,
        kpts=_points(kpts),
        kspacing=kspacing,
        koffset=koffset,
        crystal_coordinates=crystal_coordinates,
        additional_cards=additional_cards,
        rescale_magmom_fac=rescale_magmom_fac,
    )


def _points(kpts: Any) -> Any:
    """Return a list of k points as an array, by which ASE tells it from a grid; anything else as it is."""
    if isinstance(kpts, Sequence) and not isinstance(kpts, str) and np.ndim(kpts) == 2:
        return np.asarray(kpts, dtype=float)
    return kpts


def _check_cell(atoms: Atoms) -> None:
    if atoms.cell.rank < 3:
        raise InputError(
            f"pw.x needs a cell of three vectors; that of {atoms.get_chemical_formula()} is "
            f"{atoms.cell.array.tolist()}. For a molecule: atoms.center(vacuum=8)."
        )


def _check_moments(atoms: Atoms) -> None:
    if np.ndim(atoms.get_initial_magnetic_moments()) == 2:
        raise InputError(
            f"The initial magnetic moments of {atoms.get_chemical_formula()} are vectors, and an input of pw.x is "
            "written from one number for each atom. Give numbers with atoms.set_initial_magnetic_moments; for a "
            "noncollinear calculation, set noncolin, angle1 and angle2 in calc_kwargs={'input_data': ...} too."
        )


def _file_names(rows: Mapping[str, Mapping[str, Any]], chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the file name of the pseudopotential of each element; `chosen` overrides the rows."""
    names = {element: row["pseudopotential"] for element, row in rows.items() if "pseudopotential" in row}
    return names | {element: name for element, name in chosen.items() if element in rows}


def _set_cutoffs(system: dict[str, Any], rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Set the cut-offs (Ry) that the namelist ``system`` lacks to the largest ones of the elements."""
    cutoffs = {key: max(row.get(key, 0) for row in rows.values()) for key in ("ecutwfc", "ecutrho")}
    ecutwfc = system.setdefault("ecutwfc", cutoffs["ecutwfc"])
    if not ecutwfc > 0:
        raise InputError("No cut-off: the elements have none. Give calc_kwargs={'input_data': {'ecutwfc': ...}} in Ry.")
    if cutoffs["ecutrho"] > 4 * ecutwfc:  # 4 is the default of pw.x, and the least that makes sense
        system.setdefault("ecutrho", cutoffs["ecutrho"])


def _set_charge(system: dict[str, Any], atoms: Atoms, charge: float | None) -> None:
    """Set the charge in the namelist ``system``, unless it has one."""
    if "tot_charge" not in system:
        if total := charge_of(atoms, charge):
            system["tot_charge"] = total
    elif charge is not None:
        raise InputError(f"charge is {charge!r}, and input_data has tot_charge = {system['tot_charge']!r}. Give one.")


def layer(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return parameters in a form that can be merged with others.

    Parameters
    ----------
    parameters
        Some of the keyword arguments of `make_espresso`; None: none of them.
    """
    own = dict(parameters or {})
    if "input_data" in own:
        own["input_data"] = nested("pw.x", own["input_data"])
    if "kpts" in own:
        own.setdefault("kspacing", Remove)  # in place of the spacing of the defaults
    elif own.get("kspacing") is not None:
        own["kpts"] = Remove  # in place of the grid of an earlier run
    return own


class Espresso(GenericFileIOCalculator):
    """ASE's calculator, as `make_espresso` makes it.

    Parameters
    ----------
    directory
        Directory of the pseudopotential files.
    **parameters
        Parameters of ASE's calculator, such as ``input_data``.
    """

    def __init__(self, directory: Path, **parameters: Any) -> None:
        profile = EspressoProfile(command="pw.x", pseudo_dir=os.fspath(directory))
        super().__init__(template=_Template(), profile=profile, directory=".", parameters=parameters)  # type: ignore[no-untyped-call]

    def calculate(self, atoms: Atoms, properties: Sequence[str], system_changes: Sequence[str]) -> None:
        """Run pw.x for a structure.

        Parameters
        ----------
        atoms, properties, system_changes
            Same as in the calculators of ASE.
        """
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        self.resumed_from = self.template.taken_over
        self.atoms = atoms.copy()  # ASE notes it only if it calls this method itself

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
        """Relax a structure with pw.x's own optimizer.

        Parameters
        ----------
        atoms
            Structure to relax; it is not changed.
        relax_cell
            Whether the cell changes too.
        pressure
            Pressure in GPa that the cell is relaxed under.
        fmax
            Largest force that may remain on an atom, in eV/Å. As pw.x compares components, its limit is ``fmax / √3``.
        max_steps
            Largest number of steps of the optimizer.
        properties
            Properties to compute for the structures.

        Raises
        ------
        InputError
            A constraint that pw.x does not have, or a second pressure in ``input_data``.

        Returns
        -------
        images : list of Atoms
            Structures of all steps with their properties, the relaxed one last.
        converged : bool
            Whether `fmax` was reached.
        """
        _check_constraints(atoms)
        control = {
            "calculation": "vc-relax" if relax_cell else "relax",
            "forc_conv_thr": fmax / 3**0.5 / (units.Ry / units.Bohr),
            "nstep": max_steps,
        }
        data = self.parameters["input_data"]
        own = {key: value for key, value in data["control"].items() if key != "calculation"}
        system = {"nosym": True, **data["system"]} if _breaks_symmetry(atoms) else data["system"]
        cell = {**data.get("cell", {})}
        if pressure:
            if "press" in cell:
                raise InputError(
                    f"pressure is {pressure!r} GPa, and input_data has press = {cell['press']!r}. Give one."
                )
            cell["press"] = 10 * pressure  # kbar
        self.parameters["input_data"] = {**data, "control": {**control, **own}, "system": system, "cell": cell}
        self.calculate(atoms, list(properties), [])
        output = Path(self.directory) / self.template.outputname
        before, images = self.template.before, _images(output)
        start = self.template.start or atoms
        for first, known in ((images[0], start), ([*before, *images][0], atoms)):
            first.set_cell(known.cell)  # pw.x prints the first structure with few digits
            first.set_positions(known.positions)
        images = [*before, *images]
        for image in images:
            if not relax_cell:
                image.set_cell(atoms.cell)
            image.pbc = atoms.pbc
            image.calc.results.pop("magmoms", None)  # see _Template.read_results
            image.calc.atoms = image.copy()
        text = output.read_text(errors="replace")
        return images, "Begin final coordinates" in text and "bfgs failed" not in text


class _Template(EspressoTemplate):
    """Template that writes the input, runs pw.x to its end, and reads converged results."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._asked: set[str] = set()
        self._calculation, self._text, self._atoms = "", "", 0
        self._limited = False
        # An earlier run of the same job that ran out of time: its directory, its steps and its last structure.
        self.taken_over: Path | None = None
        self.before: list[Atoms] = []
        self.start: Atoms | None = None

    def write_input(self, profile: Any, directory: Any, atoms: Any, parameters: Any, properties: Any) -> None:
        data, self._atoms = parameters["input_data"], len(atoms)
        parameters = {**parameters, **k_grid(atoms, parameters)}  # ASE's spacing is one without 2π
        self._asked |= set(properties)  # a property asked for once is computed in later steps too
        control = {"tprnfor": True} if "forces" in self._asked else {}
        if "stress" in self._asked:
            control["tstress"] = True
        electrons = {}
        save = Path(directory) / "pwscf.save"
        first, self._calculation = not self._calculation, data["control"]["calculation"]
        if self._calculation not in _WITHOUT_SCF and (save / "charge-density.dat").exists():
            electrons["startingpot"] = "file"
            if first and any(save.glob("wfc*.dat")):
                electrons["startingwfc"] = "file"  # of an earlier run only: those of another structure may not fit
        seconds = None if "max_seconds" in data["control"] else time_limit("pw.x")
        limit = {} if seconds is None else {"max_seconds": seconds}
        self._limited = bool(limit)
        data = merge({"electrons": electrons, "control": limit}, data, {"control": control})
        super().write_input(profile, directory, atoms, {**parameters, "input_data": data}, properties)  # type: ignore[no-untyped-call]
        if first and (earlier := take_over(Path(directory), self.inputname, self.outputname, ["pwscf.*"])):
            data = merge(data, {"control": self._go_on(earlier, Path(directory), data["control"])})
            super().write_input(profile, directory, atoms, {**parameters, "input_data": data}, properties)  # type: ignore[no-untyped-call]

    def _go_on(self, earlier: Path, directory: Path, control: dict[str, Any]) -> dict[str, Any]:
        """Return the keywords to continue an earlier run from its files, and note its steps."""
        self.taken_over = earlier
        again: dict[str, Any] = {"restart_mode": "restart"}
        if "nstep" in control:
            printed = directory / _BEFORE
            texts = [file.read_text() for file in (earlier / _BEFORE, earlier / self.outputname) if file.exists()]
            printed.write_text("".join(texts))
            self.before = [image for image in _images(printed) if "forces" in image.calc.results]
            self.start = read_structure(directory)
            again["nstep"] = max(1, control["nstep"] - len(self.before))
        return again

    def execute(self, directory: Any, profile: Any) -> None:
        self._text = run(
            "pw.x", Path(directory), self.inputname, self.outputname, self.errorname, limited=self._limited
        )

    def read_results(self, directory: Any) -> dict[str, Any]:
        if self._calculation in _WITHOUT_SCF:
            return read_bands(Path(directory))
        check_scf(self._text)
        results = super().read_results(directory)  # type: ignore[no-untyped-call]
        # ASE reads the last column, which in older versions of pw.x is that of a constraint.
        if moments := _MOMENTS.findall(self._text)[-self._atoms :]:
            results["magmoms"] = np.array(moments, dtype=float)
        if totals := _TOTAL_MOMENT.findall(self._text):
            results["magmom"] = float(totals[-1])
        return results


# Output of the runs that ran out of time.
_BEFORE = "espresso.before.pwo"


def _images(output: Path) -> list[Atoms]:
    from ase.io import read

    return cast(list[Atoms], read(output, ":", format="espresso-out"))


_TOTAL_MOMENT = re.compile(r"total magnetization += +(\S+) Bohr")  # of collinear moments
_MOMENTS = re.compile(r"atom: +\d+ +charge: +\S+ +magn: +(\S+) +constr:")


def _check_constraints(atoms: Atoms) -> None:
    for constraint in atoms.constraints:
        if not isinstance(constraint, FixAtoms | FixCartesian):
            raise InputError(
                f"pw.x cannot hold what {type(constraint).__name__} holds: use ase_relax_job, FixAtoms or FixCartesian."
            )


def _breaks_symmetry(atoms: Atoms) -> bool:
    """Return whether fixed atoms reduce the symmetry of the structure, which pw.x itself does not notice."""
    if not atoms.constraints:
        return False
    if any(isinstance(constraint, FixCartesian) for constraint in atoms.constraints):
        return True
    import spglib

    fixed = np.zeros(len(atoms), dtype=int)
    for constraint in atoms.constraints:
        fixed[constraint.index] = 1
    structure = (atoms.cell.array, atoms.get_scaled_positions())
    found = [spglib.get_symmetry((*structure, kinds)) for kinds in (atoms.numbers, atoms.numbers + 1000 * fixed)]
    return None in found or len(found[0]["rotations"]) > len(found[1]["rotations"])
