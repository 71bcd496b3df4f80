"""Programs that stay for all structures of a calculation, and get these over a socket."""

from __future__ import annotations

import os
import socket
import subprocess
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from adatom.calculators.bare import bare
from adatom.calculators.running import end, ending, started
from adatom.errors import InputError
from adatom.execution.context import current_job

__all__ = ["OverSocket", "SocketClient"]


@dataclass(frozen=True)
class SocketClient:
    """A program that takes structures by the protocol of i-PI, as a client of a UNIX socket.

    Attributes
    ----------
    write
        Function that is called with the code's calculator, a structure with a right-handed cell, the properties that
        all structures need, and the name of the socket, which the program knows as the file ``/tmp/ipi_NAME``. It
        writes the input into the directory of the calculator, which exists, and returns the words of the command.
    output, errors
        Names of the files for standard output and standard error of the program.
    check
        Function that is called with what the program printed for one structure, and raises if it is no result.
    failure
        Function that is called with the directory of a program that has ended, and with what happened, and returns the
        error.
    stress
        Whether the program sends the stress of a crystal.
    ranks
        Whether the program can do so on several ranks.
    forget
        Function that is called with the directory of a program that has failed, before it is started anew there, and
        removes files from which it would start, and which may be half written. None: it starts from none.
    """

    write: Callable[[Any, Atoms, list[str], str], Sequence[str]]
    output: str
    errors: str
    check: Callable[[str], None]
    failure: Callable[[Path, str], Exception]
    stress: bool = True
    ranks: bool = True
    forget: Callable[[Path], None] | None = None

    def check_ranks(self, code: str) -> None:
        """Refuse the ranks of the current job if the program can be served on one only.

        Parameters
        ----------
        code
            Name of the code, for the message.

        Raises
        ------
        InputError
            The job asks for several ranks.
        """
        needs = current_job().resources
        if not self.ranks and needs and needs.ranks > 1:
            raise InputError(
                f"socket is True, and the job asks for {needs.ranks} ranks, where {code} loses the socket after one "
                "structure. Leave it out, or ask for one rank."
            )


class OverSocket(Calculator):
    """Calculator of a code whose program stays, and gets one structure after the other over a socket.

    Each structure starts from the wave functions of the one before. The program is started anew where more changes
    than the positions: in another cell it would keep its plane waves, which a run of its own would not have.

    Parameters
    ----------
    calculator
        ASE calculator of the code, which writes the input.
    client
        How the program of the code is started.
    """

    def __init__(self, calculator: Any, client: SocketClient) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.implemented_properties = ["energy", "free_energy", "forces", *(["stress"] if client.stress else [])]
        self.parameters.update({"name": type(calculator).__name__, **calculator.parameters, "socket": True})
        self._calculator, self._client = calculator, client
        self._program: _Program | None = None
        self._failed = False  # the last program
        self._asked = {"energy", "forces"}

    def __del__(self) -> None:
        with suppress(AttributeError):  # of one that could not be made
            self.close()

    def close(self) -> None:
        """End the program, if it runs."""
        program, self._program = self._program, None
        if program:
            program.close()

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
            The program ended before its end.
        ConvergenceError
            The SCF did not converge.
        """
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        given = bare(cast(Atoms, self.atoms))
        self.results = {}
        if set(system_changes) - {"positions"} or set(properties) - self._asked:
            self.close()
        self._asked |= set(properties)
        if self._program is None:
            self._calculator.directory = directory = Path(self.directory).absolute()
            if self._failed and self._client.forget:
                self._client.forget(directory)
            self._failed = False
            write = partial(self._client.write, self._calculator, given, sorted(self._asked))
            self._program = _Program(self._client, directory, write)
        try:
            found = self._program.ask(given)
        except BaseException:
            self.close()
            self._failed = True  # its files stay, unless another program is started among them
            raise
        energy, virial = float(found["energy"]), found["virial"]
        self.results = {"energy": energy, "free_energy": energy, "forces": found["forces"]}
        if "stress" in self._asked:
            self.results["stress"] = -full_3x3_to_voigt_6_stress(virial) / given.get_volume()


class _Program:
    """A program that has been started, and the socket by which it gets structures."""

    def __init__(self, client: SocketClient, directory: Path, write: Callable[[str], Sequence[str]]) -> None:
        from ase.calculators.socketio import bind_unixsocket

        directory.mkdir(parents=True, exist_ok=True)
        self._client, self._directory, self._read = client, directory, 0
        self._protocol: Any = None
        self._idle, self._ended = False, ExitStack()
        name = f"{os.getpid():x}-{uuid.uuid4().hex[:8]}"  # NWChem cuts a long one
        with ExitStack() as ended:
            path = f"/tmp/ipi_{name}"  # where the programs look
            self._server = ended.enter_context(bind_unixsocket(path))
            os.chmod(path, 0o600)
            self._server.listen(1)
            self._server.settimeout(0.2)
            out = ended.enter_context((directory / client.output).open("wb"))
            errors = ended.enter_context((directory / client.errors).open("wb"))
            streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": errors}
            self._process = ended.enter_context(started(write(name), directory, **streams))
            self._ended = ended.pop_all()

    def close(self) -> None:
        """End the program: at once if it computes, or else by the word of the protocol."""
        with self._ended, suppress(OSError, subprocess.TimeoutExpired):
            if self._idle:
                self._protocol.end()
                self._process.wait(10)

    def ask(self, atoms: Atoms) -> dict[str, Any]:
        """Return the results of a structure."""
        from ase.calculators.socketio import IPIProtocol

        if self._protocol is None:
            connection = self._ended.enter_context(self._accepted())
            self._protocol = IPIProtocol(connection)
        self._idle = False
        try:
            found: dict[str, Any] = self._protocol.calculate(atoms.positions, atoms.cell.array)
        except AssertionError as error:  # by which ASE refuses what is sent
            said = "sent a number that is none, or a word that is not in the protocol"
            raise self._client.failure(self._directory, said) from error
        except OSError as error:
            raise self._failure() from error
        self._client.check(self._printed())
        self._idle = True
        return found

    def _accepted(self) -> socket.socket:
        while True:
            try:
                connection, _ = self._server.accept()
            except TimeoutError:
                if self._process.poll() is not None:
                    raise self._failure() from None
            else:
                connection.settimeout(None)
                return connection

    def _failure(self) -> Exception:
        try:
            said = ending(self._process.wait(10))
        except subprocess.TimeoutExpired:
            said = "closed its socket"
        end(self._process)  # before its files are read
        return self._client.failure(self._directory, said)

    def _printed(self) -> str:
        """Return what the program has written to its output since the last call."""
        with (self._directory / self._client.output).open("rb") as file:
            file.seek(self._read)
            text = file.read()
        self._read += len(text)
        return text.decode(errors="replace")
