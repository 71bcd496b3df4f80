"""Q-Chem as an ASE calculator: energies of any method, forces, its own optimizer and its own reaction path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from ase import Atoms
from ase.calculators.calculator import FileIOCalculator
from ase.calculators.singlepoint import SinglePointCalculator
from ase.units import Bohr, Hartree

from adatom.calculators.constraints import fixed_atoms
from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs, megabytes
from adatom.calculators.spin import state_of
from adatom.errors import ConvergenceError, InputError, ProgramError
from adatom.execution.context import current_job

__all__ = ["QChem"]

PROGRAM = ProgramProfile(
    Programs("qchem", "qchem", "https://www.q-chem.com, with a licence", launches=True),
    output="qchem.log",
    done="Thank you very much for using Q-Chem",
    unconverged="SCF failed to converge",
    advice="Give calc_kwargs={'max_scf_cycles': 200}, or another scf_algorithm, such as 'diis_gdm'.",
    more=("qchem.out",),
)
_NUMBER = r"(-?\d+\.\d+)"
_OF_SCF = rf"^\s*Total\s+energy(?: in the final basis set)?\s+=\s+{_NUMBER}"
_OF_MORE = rf"^\s*(\S+)\s+total energy\s+=\s+{_NUMBER}"
_OF_SCF_ALONE = "|Gradient of SCF Energy"
_WITH_SOLVENT = r"total gradient after adding PCM contribution.*\n-+\n.*\n-+\n((?: *\d+(?: +-?\d+\.\d+){3} *\n)+)"
_START, _STRUCTURE, _POINT = "Welcome to Q-Chem", "Standard Nuclear Orientation (Angstroms)", "Reaction path following"
_PLACE = rf"^ *\d+ +[A-Z][a-z]? +{_NUMBER} +{_NUMBER} +{_NUMBER} *$"
# The second texts are those of the newer of Q-Chem's two optimizers.
_CONVERGED = "(OPTIMIZATION|TRANSITION STATE) CONVERGED"
_OUT_OF_STEPS = (
    "MAXIMUM OPTIMIZATION CYCLES REACHED|Maximum number of iterations reached during minimization"
    "|IRC -- maximum number of cycles reached"
)


class QChem(FileIOCalculator):
    """ASE calculator of Q-Chem.

    ASE's own writes coordinates with six digits and text only, and takes the energy of the SCF for that of any method.

    Parameters
    ----------
    method, basis
        Method and basis set, by Q-Chem's names.
    charge, multiplicity
        Same as in `adatom.calculators.spin.state_of`.
    sections
        Further sections of the input by name, such as ``{"solvent": "dielectric 78.4"}``.
    **kwargs
        Variables of the section ``$rem``, such as ``max_scf_cycles=200``. The job sets ``jobtype``, and ``mem_total``
        if it asks for memory.
    """

    implemented_properties = ["energy", "free_energy", "forces"]  # noqa: RUF012
    discard_results_on_any_change = True

    def __init__(
        self,
        method: str = "B3LYP",
        basis: str = "def2-TZVP",
        charge: int | None = None,
        multiplicity: int | None = None,
        sections: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        given = {"method": method, "basis": basis, **kwargs}
        super().__init__(label="qchem", profile=PROGRAM.check(), **given)  # type: ignore[no-untyped-call]
        self._state, self._sections, self._forces = (charge, multiplicity), sections or {}, False

    def write_input(self, atoms: Atoms, properties: Any = None, system_changes: Any = None) -> None:
        """Write the input file."""
        self._forces |= "forces" in properties  # asked for once, they are needed in later steps, too
        Path(self.directory, "qchem.inp").write_text(self._part(atoms, jobtype="force" if self._forces else "sp"))

    def _part(self, atoms: Atoms, *, fixed: Sequence[int] = (), **changes: Any) -> str:
        """Return an input, or one part of it; a part with ``scf_guess="read"`` goes on from the part before it."""
        memory = megabytes()
        given = {name.lower(): value for name, value in cast(dict[str, Any], self.parameters).items()}
        rem = {"jobtype": changes["jobtype"], **({"mem_total": memory} if memory else {}), **given, **changes}
        rem["sym_ignore"] = True  # the axes stay those of the structure
        charge, multiplicity = state_of(atoms, *self._state)
        places = [f"{atom.symbol} {' '.join(f'{x:.10f}' for x in atom.position)}" for atom in atoms]
        sections = {
            "molecule": "read" if "scf_guess" in changes else "\n".join([f"{charge} {multiplicity}", *places]),
            "rem": "\n".join(f"{name.upper()} {value}" for name, value in rem.items()),
            **({"opt": "\n".join(["FIXED", *(f"{i + 1} XYZ" for i in fixed), "ENDFIXED"])} if fixed else {}),
            **self._sections,
        }
        return "\n".join(f"${name}\n{content.strip()}\n$end\n" for name, content in sections.items())

    def execute(self) -> None:
        """Run Q-Chem on the ranks and threads of the job."""
        self._start("qchem", 1)

    def _start(self, label: str, parts: int) -> None:
        needs = current_job().resources
        counts = {"-np": needs.ranks, "-nt": needs.threads_per_rank} if needs else {}
        words = [word for flag, count in counts.items() if count > 1 for word in (flag, str(count))]
        profile = replace(PROGRAM, more=(f"{label}.out",), times=parts)
        profile.start(Path(self.directory).absolute(), *words, f"{label}.inp", f"{label}.out")

    def read_results(self) -> None:
        """Read the energy of the method, and the gradient where it was computed."""
        self.results = self._read(Path(self.directory, "qchem.out").read_text(errors="replace"), self._forces)

    def _read(self, text: str, forces: bool) -> dict[str, Any]:
        method = cast(dict[str, Any], self.parameters)["method"]
        name = _short(method)
        of_more = {_short(found): float(value) for found, value in re.findall(_OF_MORE, text, re.MULTILINE | re.I)}
        of_more.pop("SCF", None)
        energies = [of_more[name]] if name in of_more else re.findall(_OF_SCF, text, re.MULTILINE)
        if not energies or (of_more and name not in of_more):
            others = f"; it has those of {', '.join(of_more)}" if of_more else ""
            raise ProgramError(f"qchem.out has no energy of {method}{others}.")
        energy = float(energies[-1]) * Hartree
        results: dict[str, Any] = {"energy": energy, "free_energy": energy}
        if forces:
            results["forces"] = -_gradient(text, _OF_SCF_ALONE if not of_more else "") * Hartree / Bohr
        return results

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
        """Relax a molecule with Q-Chem's own optimizer.

        Parameters
        ----------
        atoms
            Structure to relax; it is not changed.
        relax_cell, pressure
            Not used: a molecule has no cell.
        fmax
            Bound for Q-Chem's largest gradient, in eV/Å, besides its own criteria for the energy and the steps.
        max_steps
            Largest number of cycles of the optimizer.
        properties
            Not used: each step has the energy and the forces.
        saddle
            Whether to go to a saddle point of first order, from the Hessian at the start.

        Raises
        ------
        InputError
            A constraint that Q-Chem does not have.

        Returns
        -------
        images : list of Atoms
            Structures of all steps with their energies and forces, the relaxed one last.
        converged : bool
            Whether Q-Chem's criteria were met.
        """
        bound = max(1, int(fmax / (Hartree / Bohr) * 1e6))  # in 1e-6 Hartree/Bohr
        moves: dict[str, Any] = {"geom_opt_max_cycles": max_steps + 1, "geom_opt_tol_gradient": bound}
        moves["fixed"] = self._fixed(atoms)
        if saddle:
            parts = [{"jobtype": "freq"}, {"jobtype": "ts", "geom_opt_hessian": "read", "scf_guess": "read", **moves}]
        else:
            parts = [{"jobtype": "opt", **moves}]
        text = self._run("opt", atoms, parts)[-1]
        images = self._images(atoms, text)
        self.results = dict(images[-1].calc.results)
        return images, bool(re.search(_CONVERGED, text))

    def irc(self, atoms: Atoms, *, fmax: float, max_steps: int) -> tuple[list[Atoms], list[Atoms], bool]:
        """Follow Q-Chem's reaction path from a saddle point down to both sides.

        Parameters
        ----------
        atoms
            Saddle point; it is not changed.
        fmax
            Not used: Q-Chem ends the path where a step is shorter than its variable ``rpath_tol_displacement``.
        max_steps
            Largest number of points on each side.

        Raises
        ------
        InputError
            The structure has masses of its own, which the input does not tell.

        Returns
        -------
        positive, negative : list of Atoms
            Structures of the two sides, along the mode and against it, with their energies and forces.
        converged : bool
            Whether both sides came to their end.
        """
        if not np.allclose(atoms.get_masses(), Atoms(atoms.symbols).get_masses()):
            raise InputError("The structure has masses of its own, which Q-Chem's path does not follow. Take irc_job.")
        way: dict[str, Any] = {"jobtype": "rpath", "scf_guess": "read", "rpath_max_cycles": max_steps}
        # Before each side, as it is not known whether the Hessian is still there after the first one.
        hessian: dict[str, Any] = {"jobtype": "freq"}
        parts = [hessian, {**way, "rpath_direction": 1}, hessian, {**way, "rpath_direction": -1}]
        texts = [text for text in self._run("irc", atoms, parts) if _POINT in text]
        if len(texts) < 2:
            raise ConvergenceError("Q-Chem ran out of steps on the first side of the path. Raise max_steps.")
        sides = []
        for text in texts:
            points = [self._images(atoms, point)[-1] for point in text.split(_POINT)[:-1]]
            sides.append(points[1:])  # without the saddle point
        ended = all("IRC -- convergence criterion reached" in text for text in texts)
        return sides[0], sides[1], ended

    def _fixed(self, atoms: Atoms) -> list[int]:
        """Return the indices of atoms that stay where they are."""
        fixed = fixed_atoms(atoms, "Q-Chem")
        if fixed and "opt" in self._sections:
            raise InputError("Atoms are fixed, and sections has opt. Give one: FixAtoms, or FIXED in the section.")
        return fixed

    def _run(self, label: str, atoms: Atoms, parts: Sequence[Mapping[str, Any]]) -> list[str]:
        """Run an input of several parts, and return the output of each part."""
        given = "\n@@@\n\n".join(self._part(atoms, **part) for part in parts)
        Path(self.directory, f"{label}.inp").write_text(given)
        output = Path(self.directory, f"{label}.out")
        try:
            self._start(label, len(parts))
        except ProgramError:
            if not (output.exists() and re.search(_OUT_OF_STEPS, output.read_text(errors="replace"))):
                raise
        return output.read_text(errors="replace").split(_START)[1:]

    def _images(self, atoms: Atoms, text: str) -> list[Atoms]:
        """Return the structures of an output that have an energy."""
        images = []
        for block in text.split(_STRUCTURE)[1:]:
            if not re.search(_OF_SCF, block, re.MULTILINE):
                continue  # printed once more at the end
            image = atoms.copy()
            places = re.findall(_PLACE, block, re.MULTILINE)[: len(atoms)]
            image.set_positions(np.array(places, dtype=float), apply_constraint=False)
            image.calc = SinglePointCalculator(image, **self._read(block, True))
            images.append(image)
        if not images:
            raise ProgramError("Q-Chem wrote no structure with an energy.")
        return images


def _short(name: str) -> str:
    """Return the name of a method as both its keyword and the output have it: RIMP2 and RI-MP2."""
    return name.upper().replace("-", "")


def _gradient(text: str, header: str) -> np.ndarray:
    """Return the gradient in Hartree/Bohr, shape (N, 3), from blocks of three rows, or a table with a solvent."""
    if tables := re.findall(_WITH_SOLVENT, text):  # the blocks lack a part of it
        return np.array([line.split()[1:] for line in tables[-1].splitlines()], dtype=float)
    blocks = re.split(rf"^ *(?:Full Analytical Gradient.*{header})\n", text, flags=re.MULTILINE)
    if len(blocks) == 1:
        raise ProgramError("qchem.out has no gradient of this method.")
    columns: list[list[float]] = [[], [], []]
    for line in blocks[-1].splitlines():
        if re.fullmatch(r"\s*\d+(\s+\d+)*\s*", line):
            continue  # numbers of atoms
        if not (row := re.match(r"\s*([123])((\s*-?\d+\.\d+)+)\s*$", line)):
            break
        columns[int(row[1]) - 1] += [float(x) for x in re.findall(r"-?\d+\.\d{7}", row[2])]
    return np.array(columns).T
