"""Programs of Quantum ESPRESSO that work on the files of an earlier run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ase import Atoms

from adatom.calculators.espresso.namelists import FIXED, nested
from adatom.calculators.espresso.running import DONE, PROGRAMS, run
from adatom.calculators.espresso.stopping import take_over
from adatom.calculators.time_limit import time_limit
from adatom.utils.merge import merge

__all__ = ["EspressoProgram"]


class EspressoProgram:
    """A program with namelists as its input, in the form of a calculator without properties.

    Parameters
    ----------
    program
        Name of the program, such as ``"dos.x"``.
    input_data
        Keywords and their values, with or without their namelists, which override `defaults`.
    defaults
        Keywords that the job sets, in the same form.
    read
        Function that reads the results from the directory of the run.
    cards
        Text that follows the namelists.
    done
        Text that the program prints only at its end.

    Raises
    ------
    InputError
        A keyword is unknown, or the program does not exist.
    """

    implemented_properties: Sequence[str] = ()

    def __init__(
        self,
        program: str,
        input_data: Mapping[str, Any] | None,
        defaults: Mapping[str, Any],
        read: Callable[[Path], dict[str, Any]],
        cards: str = "",
        done: str = DONE,
    ) -> None:
        PROGRAMS.command(program)  # raises if the program does not exist
        data = merge(nested(program, defaults), nested(program, input_data))
        self.parameters: dict[str, Any] = {"name": program, "input_data": data, "cards": cards}
        self.directory = Path()
        self.results: dict[str, Any] = {}
        self.resumed_from: Path | None = None
        self._program, self._read, self._done = program, read, done

    def calculate(self, atoms: Atoms, properties: Sequence[str], system_changes: Sequence[str]) -> None:
        """Run the program, and read its results.

        Parameters
        ----------
        atoms, properties, system_changes
            Same as in the calculators of ASE, but without effect.
        """
        from ase.io.espresso_namelist.keys import ALL_KEYS

        name = self._program.removesuffix(".x")
        data = self.parameters["input_data"]
        first, known = next(iter(ALL_KEYS[name].items()))
        own: dict[str, Any] = {} if name in _WITHOUT_SAVE else dict(FIXED)
        limited = "max_seconds" in known and "max_seconds" not in data.get(first, {})
        seconds = time_limit(self._program) if limited else None
        limit = {} if seconds is None else {"max_seconds": seconds}
        data = merge({first: {**own, **limit}}, data)
        self._write(name, data)
        if "recover" in known and (earlier := take_over(self.directory, f"{name}.in", f"{name}.out", _OF_PH)):
            self.resumed_from = earlier
            self._write(name, merge(data, {first: {"recover": True}}))
        run(self._program, self.directory, f"{name}.in", f"{name}.out", f"{name}.err", self._done, bool(limit))
        self.results = self._read(self.directory)

    def _write(self, name: str, data: dict[str, Any]) -> None:
        from ase.io.espresso_namelist.namelist import Namelist

        text = Namelist(data).to_string()
        (self.directory / f"{name}.in").write_text(f"{text}{self.parameters['cards']}\n")


_OF_PH = ("_ph0", "dyn*")
_WITHOUT_SAVE = ("matdyn", "q2r")  # they read the files of ph.x, not those of pw.x
