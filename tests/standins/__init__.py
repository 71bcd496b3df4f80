"""Programs that stand in for codes with a licence: they read the true input and write true-format output.

Energies and forces are those of a potential of ASE's, so that derivatives, relaxations and vibrations through them are
right. The charge and the multiplicity add a constant each, which shows whether they arrived. ``STANDIN_FAILS`` makes
such a program fail as the code does.
"""

import os
import signal
import sys
from pathlib import Path

from ase import Atoms
from ase.calculators.emt import EMT

FAILURE = "STANDIN_FAILS"


def install(code: str, directory: Path, module: str = "") -> Path:
    """Write an executable of the name of a code, which runs the module of that name, and notes it in `CODE.runs`."""
    program = directory / code
    root = Path(__file__).parents[2]
    command = f'PYTHONPATH={root} exec {sys.executable} -m tests.standins.{module or code} "$@"'
    program.write_text(f"#!/bin/sh\necho run >>$0.runs\n{command}\n")
    program.chmod(0o755)
    return program


def compute(atoms: Atoms, charge: int, multiplicity: int) -> tuple[float, list[list[float]]]:
    """Energy in eV and forces in eV/Å."""
    atoms.calc = EMT()
    energy = atoms.get_potential_energy() + 0.25 * charge + 0.0625 * (multiplicity - 1)
    return energy, atoms.get_forces().tolist()


def asked_to_fail() -> str:
    """The failure that was asked for; one by a signal does not return."""
    failure = os.environ.get(FAILURE, "")
    if failure == "killed":
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    return failure


def moments_given(lines: list[str], mark: str) -> float:
    """The sum of the numbers behind a mark, such as ``SPIN=``."""
    return sum(float(line.split(mark)[1].split()[0].strip('"')) for line in lines if mark in line)


def stop_for_memory() -> int:
    """End as a program of Intel's compiler does when there is no memory left."""
    print("forrtl: severe (41): insufficient virtual memory", file=sys.stderr)
    return 41
