"""CP2K as an ASE calculator: ASE's input, and one process of CP2K for all steps of a calculation."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, cast

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.cp2k import CP2K, InputSection, parse_input

from adatom.calculators.bare import bare
from adatom.calculators.k_points import numbers_or_spacing
from adatom.calculators.programs import Programs, failure_of, how_it_ended, started
from adatom.calculators.spin import state_of
from adatom.errors import ConvergenceError, InputError
from adatom.execution.context import current_job
from adatom.settings import get_settings

__all__ = ["PROGRAMS", "Cp2k", "check_data", "has_k_points"]

PROGRAMS = Programs(
    "cp2k",
    "cp2k.psmp",
    "`apt-get install cp2k cp2k-data`, or conda's package cp2k",
    named=r"cp2k(_shell)?(\.[sp]?(smp|dbg|opt))?",
)
_INPUT, _OUTPUT, _ERRORS, _LOG = "cp2k.inp", "cp2k.out", "cp2k.err", "cp2k.log"
_UNCONVERGED = "SCF run NOT converged"
_POSITIONS_BY_FILE = 7  # the first version of CP2K's shell that has SET_POS_FILE


class Cp2k(Calculator):
    """Calculator of CP2K, as a process that is started for the first structure and goes on with the next ones.

    It runs in the directory of the calculation, on the ranks of the job, and ends with the calculation.

    Parameters
    ----------
    charge, multiplicity
        Same as in `adatom.calculators.spin.state_of`.
    kpts, kspacing
        Numbers of k points, with Γ among them, or their spacing, as for all codes.
    **kwargs
        Parameters of ASE's calculator: ``xc``, ``basis_set``, ``cutoff`` in eV, ``inp`` for anything else.
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012
    default_parameters = {  # noqa: RUF012
        **{
            key: CP2K.default_parameters[key] for key in CP2K.default_parameters.keys() - {"auto_write", "set_pos_file"}
        },
        **dict.fromkeys(("charge", "multiplicity", "kpts", "kspacing")),
    }

    def __init__(self, **kwargs: Any) -> None:
        PROGRAMS.command()
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self._shell: _Shell | None = None
        self._loaded: str | None = None  # CP2K's number for the structure

    def __del__(self) -> None:
        with suppress(AttributeError):  # of one that could not be made
            self.close()

    def close(self) -> None:
        """End the process, if it runs."""
        shell, self._shell, self._loaded = self._shell, None, None
        if shell:
            shell.close()

    def calculate(
        self, atoms: Atoms | None = None, properties: Sequence[str] = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Compute the energy, forces and stress of a structure.

        Parameters
        ----------
        atoms, properties, system_changes
            Same as in the calculators of ASE.

        Raises
        ------
        ProgramError
            CP2K ended before its end.
        ConvergenceError
            The SCF did not converge.
        """
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        given, self.results = _given(cast(Atoms, self.atoms)), {}
        if self._shell is None:
            self._shell = _Shell(Path(self.directory).absolute())
            self._shell.end_with_calculation(self.close)
        try:
            self.results = self._computed(self._shell, given, set(system_changes))
        except BaseException:
            self.close()
            raise

    def _computed(self, shell: _Shell, given: Atoms, changes: set[str]) -> dict[str, Any]:
        if self._loaded and changes - {"positions", "cell"}:
            shell.ask(f"DESTROY {self._loaded}")
            self._loaded = None
        if self._loaded is None:
            text = _Input(given, cast(dict[str, Any], self.parameters), shell.version).text()
            (shell.directory / _INPUT).write_text(text)
            self._loaded = shell.ask(f"LOAD {_INPUT} {_OUTPUT}")[-1].strip()
            shell.ask("UNITS_EV_A")
        else:
            if "cell" in changes:
                shell.ask(f"SET_CELL {self._loaded}", *_lines(given.cell.array))
            shell.move(self._loaded, given.positions)
        shell.ask(f"EVAL_EF {self._loaded}")
        if _UNCONVERGED in shell.printed():
            raise _unconverged()
        energy = float(shell.ask(f"GET_E {self._loaded}")[-1])
        rows = shell.ask(f"GET_F {self._loaded}")
        forces = np.array([line.split() for line in rows[-1 - len(given) : -1]], dtype=float)
        results = {"energy": energy, "free_energy": energy, "forces": forces}
        if given.pbc.any() and self.parameters["stress_tensor"]:  # CP2K prints one for the box of a molecule, too
            tensor = np.array(shell.ask(f"GET_STRESS {self._loaded}")[-1].split(), dtype=float).reshape(3, 3)
            results["stress"] = -((tensor + tensor.T) / 2)[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
        return results


class _Shell:
    """A process of CP2K that takes commands on standard input."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self._ended, self._read = directory, ExitStack(), 0
        data = _data_directory()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "errors": "replace"}
        with ExitStack() as ended:
            errors = ended.enter_context((directory / _ERRORS).open("wb"))
            env = {"CP2K_DATA_DIR": str(data)} if data else {}
            command = [*PROGRAMS.command(), "-s"]
            self._process = ended.enter_context(started(command, directory, env=env, stderr=errors, **pipes))
            self._stdin, self._stdout = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
            self._answer()
            self.ask("HARSH")  # CP2K then ends at an error
            said = "".join(self.ask("VERSION"))
            self.version = float(said.rpartition(":")[2])
            self._ended = ended.pop_all()

    def end_with_calculation(self, end: Any) -> None:
        """Have a function called at the end of the calculation that this code is part of."""
        if (ends := current_job().ends) is not None:
            ends.callback(end)

    def close(self) -> None:
        """End the process: at once if it computes, or else by its own command."""
        with self._ended, suppress(OSError, subprocess.TimeoutExpired):
            if self._idle:
                self._send("EXIT")
                self._process.wait(10)
        for pipe in (self._stdin, self._stdout):
            with suppress(OSError):
                pipe.close()

    def ask(self, *lines: str) -> list[str]:
        """Send a command, and return the lines of the answer."""
        self._idle = False
        try:
            self._send(*lines)
        except OSError:  # the process has ended, and the answer says so
            pass
        return self._answer()

    def move(self, loaded: str, positions: Any) -> None:
        """Set the positions of all atoms."""
        rows = [str(3 * len(positions)), *_lines(positions)]
        if self.version >= _POSITIONS_BY_FILE:  # MPI may not forward a long text
            (self.directory / "cp2k.pos").write_text("\n".join([*rows, ""]))
            self.ask(f"SET_POS_FILE cp2k.pos {loaded}")
        else:
            self.ask(f"SET_POS {loaded}", *rows, "*END")

    def printed(self) -> str:
        """Return what CP2K has written to its output since the last call."""
        with (self.directory / _OUTPUT).open("rb") as file:
            file.seek(self._read)
            text = file.read()
        self._read += len(text)
        return text.decode(errors="replace")

    def _send(self, *lines: str) -> None:
        self._stdin.write("".join(f"{line}\n" for line in lines))
        self._stdin.flush()

    def _answer(self) -> list[str]:
        lines: list[str] = []
        for line in self._stdout:
            if line.strip() == "* READY":
                self._idle = True
                return lines
            lines.append(line)
        (self.directory / _LOG).write_text("".join(lines))
        said = f"CP2K {how_it_ended(self._process.wait())}"
        if (self.directory / _OUTPUT).exists() and _UNCONVERGED in self.printed():
            raise _unconverged()
        raise failure_of(said, self.directory, _OUTPUT, _LOG, _ERRORS)


class _Input(CP2K):
    """ASE's writer of the input, without the process that ASE's calculator starts."""

    label = "cp2k"

    def __init__(self, atoms: Atoms, parameters: Mapping[str, Any], version: float) -> None:
        charge, multiplicity = state_of(atoms, parameters["charge"], parameters["multiplicity"])
        self._moments = atoms.get_initial_magnetic_moments()
        uks = parameters["uks"] or multiplicity > 1 or bool(self._moments.any())
        state = {"charge": charge, "multiplicity": multiplicity, "uks": uks}
        self._given = atoms, {**parameters, **state}
        self.atoms, self.parameters = atoms, cast(Any, SimpleNamespace(**self._given[1]))
        self._shell = cast(Any, SimpleNamespace(version=version))

    def close(self) -> None:
        """Do nothing: there is no process."""

    def text(self) -> str:
        """Return the input."""
        root, (atoms, given) = parse_input(self._generate_input()), self._given  # type: ignore[no-untyped-call]
        if not has_k_points(given):
            _add_k_points(root, numbers_or_spacing(atoms, given))
        _add_moments(root.get_subsection("FORCE_EVAL/SUBSYS"), self._moments)
        return "\n".join([*root.write(), ""])


def has_k_points(parameters: Mapping[str, Any]) -> bool:
    """Return whether the input of the user has k points of its own.

    Parameters
    ----------
    parameters
        Arguments of the calculator, by name.
    """
    return bool(re.search(r"^\s*&KPOINTS\b", parameters.get("inp") or "", re.IGNORECASE | re.MULTILINE))


def _add_k_points(root: InputSection, numbers: Sequence[int]) -> None:
    """Add a grid around Γ, without those of two opposite points that are the same by time reversal."""
    if max(numbers) == 1:
        return  # orbitals at Γ are real
    weights: dict[tuple[int, ...], int] = {}
    for point in np.ndindex(*numbers):
        opposite = tuple(-index % number for index, number in zip(point, numbers, strict=True))
        kept = min(point, opposite)
        weights[kept] = weights.get(kept, 0) + 1
    place = "FORCE_EVAL/DFT/KPOINTS"
    root.add_keyword(place, "SCHEME GENERAL")
    root.add_keyword(place, "UNITS B_VECTOR")
    for point, weight in weights.items():
        row = " ".join(f"{index / number:.12f}" for index, number in zip(point, numbers, strict=True))
        root.add_keyword(place, f"KPOINT {row} {weight}", unique=False)


def _add_moments(subsys: InputSection, moments: Any) -> None:
    """Make a kind of the atoms of one element with one initial moment."""
    if not moments.any():
        return
    rows = subsys.get_subsection("COORD").keywords
    made: dict[tuple[str, float], str] = {}
    for index, moment in enumerate(moments):
        symbol, place = rows[index].split(maxsplit=1)
        name = made.setdefault((symbol, moment), f"{symbol}_{len(made) + 1}")
        rows[index] = f"{name} {place}"
    of_elements = {section.params: section for section in subsys.subsections if section.name == "KIND"}
    subsys.subsections = [section for section in subsys.subsections if section.name != "KIND"]
    for (symbol, moment), name in made.items():
        kind = InputSection("KIND", name)
        kind.keywords = [*of_elements[symbol].keywords, f"ELEMENT {symbol}", f"MAGNETIZATION {moment:.6f}"]
        kind.subsections = of_elements[symbol].subsections
        subsys.subsections.append(kind)


def _given(atoms: Atoms) -> Atoms:
    """Return a structure as CP2K gets it: with a right-handed cell, and periodic along all cell vectors or none."""
    given = bare(atoms, periodic=bool(atoms.pbc.any()))
    if not given.pbc.any() and atoms.cell.handedness < 0:  # reversed vectors would not contain the molecule
        given.set_cell(atoms.cell.array[[1, 0, 2]])
    return given


def _lines(rows: Any) -> list[str]:
    return [" ".join(f"{value:.18e}" for value in row) for row in rows]


def _unconverged() -> ConvergenceError:
    return ConvergenceError(
        "The SCF of CP2K did not converge. Give a larger max_scf, which is 50, or in `inp` a section of "
        "FORCE_EVAL/DFT/SCF: &OT, &OUTER_SCF, &MIXING, or &SMEAR with ADDED_MOS for a metal."
    )


def _data_directory() -> Path | None:
    """Return the directory of basis sets and pseudopotentials, or None for the one that is built into the program."""
    key, said = "data_dir", os.environ.get("CP2K_DATA_DIR")
    if PROGRAMS.configured(key) or get_settings().data_dirs.get(PROGRAMS.code):
        return PROGRAMS.data_dir(key=key)
    return Path(said) if said else None


def check_data(atoms: Atoms, parameters: Mapping[str, Any]) -> None:
    """Refuse a basis set or a pseudopotential that CP2K's files do not have for an element of a structure.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    parameters
        Arguments of the calculator, by name.

    Raises
    ------
    InputError
        A file of the data directory lacks the name.
    """
    given = {**Cp2k.default_parameters, **parameters}
    directory = _data_directory() or Path("/usr/share/cp2k")
    for what, file in (("basis_set", "basis_set_file"), ("pseudo_potential", "potential_file")):
        name, place = given[what], given[file] and directory / given[file]
        if name in (None, "auto") or not place or not place.is_file():
            continue  # CP2K looks for files in the directory of the job, too
        text = place.read_text(errors="replace")
        for symbol in sorted({*atoms.symbols}):
            if re.search(rf"(?i)^\s*&KIND\s+{symbol}\b", given["inp"] or "", re.MULTILINE):
                continue
            names = {word for row in re.findall(rf"^ *{symbol}( .*)$", text, re.MULTILINE) for word in row.split()}
            if name not in names:
                raise InputError(
                    f"{place} has no {name!r} for {symbol}. {what} can be: {', '.join(sorted(names)) or 'none'}. Or "
                    f"give another {file}."
                )
