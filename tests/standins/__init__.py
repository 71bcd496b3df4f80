"""Programs that stand in for codes with a licence: they read the true input and write true-format output.

Energies and forces are those of a potential, so that derivatives, relaxations and vibrations through them are right.
The charge and the multiplicity add a constant each, which shows whether they arrived. ``STANDIN_FAILS`` makes such a
program fail as the code does.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.socketio import SocketClient
from ase.data import covalent_radii
from ase.units import Bohr, Hartree

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
    """Energy in eV and forces in eV/Å, of ASE's EMT."""
    from ase.calculators.emt import EMT

    atoms.calc = EMT()
    energy = atoms.get_potential_energy() + of_state(charge, multiplicity)
    return energy, atoms.get_forces().tolist()


def follow(socket: str, atoms: Atoms, stress: bool, answer: Callable[[Atoms], tuple[float, list[list[float]]]]) -> None:
    """Answer a server of i-PI's protocol with energies, forces and virials, until it ends; midway fails the second."""

    class Client(SocketClient):
        answered = 0

        def calculate(self, atoms: Atoms, use_stress: bool) -> tuple[float, np.ndarray, np.ndarray]:
            self.answered += 1
            if self.answered == 2 and os.environ.get(FAILURE) == "midway":
                os.kill(os.getpid(), signal.SIGKILL)
            energy, forces = answer(atoms)
            virial = -atoms.get_volume() * atoms.get_stress(voigt=False) if use_stress else np.zeros((3, 3))
            return energy, np.array(forces), virial

    Client(unixsocket=socket).run(atoms, use_stress=stress)


def of_state(charge: int, multiplicity: int) -> float:
    """Energy in eV that tells a charge and a multiplicity."""
    return 0.25 * charge + 0.0625 * (multiplicity - 1)


def springs(atoms: Atoms, charge: int, multiplicity: int) -> tuple[float, np.ndarray]:
    """Energy in eV and forces in eV/Å of a molecule with springs between all atoms, which is there at once."""
    energy, forces = of_state(charge, multiplicity) - 10 * len(atoms), np.zeros((len(atoms), 3))
    for i in range(len(atoms)):
        for j in range(i):
            rest = covalent_radii[atoms.numbers[[i, j]]].sum() + (0.9 if {*atoms.numbers[[i, j]]} == {1} else 0)
            vector = atoms.positions[i] - atoms.positions[j]
            length = np.linalg.norm(vector)
            energy += 15 * (length - rest) ** 2
            pull = 30 * (length - rest) * vector / length
            forces[i] -= pull
            forces[j] += pull
    return float(energy), forces


def in_atomic_units(atoms: Atoms, charge: int, multiplicity: int) -> tuple[float, np.ndarray]:
    """Energy in Hartree and gradient in Hartree/Bohr of `springs`."""
    energy, forces = springs(atoms, charge, multiplicity)
    return energy / Hartree, -forces * Bohr / Hartree


def optimize(
    atoms: Atoms, bound: float, steps: int, saddle: bool, fixed: Iterable[int] = ()
) -> tuple[list[Atoms], bool]:
    """Structures on the way of `springs` to a minimum or a saddle point, and whether the gradient got below a bound.

    The bound is one in Hartree/Bohr, as the codes have it.
    """
    moving = np.repeat(~np.isin(np.arange(len(atoms)), list(fixed)), 3)
    images = [atoms.copy()]
    while True:
        atoms = images[-1].copy()
        gradient = -springs(atoms, 0, 1)[1].ravel()[moving]
        if np.abs(gradient).max() < bound * Hartree / Bohr or len(images) > steps:
            return images, len(images) <= steps
        curves, modes = np.linalg.eigh(hessian(atoms)[np.ix_(moving, moving)])
        signs = np.ones(len(curves))
        signs[0] = -1 if saddle else 1
        stiff = np.abs(curves) > 0.01  # the others are translations and rotations
        step = -modes[:, stiff] @ (modes[:, stiff].T @ gradient / (signs * np.abs(curves))[stiff])
        flat = atoms.positions.ravel()
        flat[moving] += step * min(1, 0.2 / np.abs(step).max())
        images.append(Atoms(atoms.symbols, flat.reshape(-1, 3)))


def descend(atoms: Atoms, side: int) -> Iterator[Atoms]:
    """Structures on the way of steepest descent of `springs` from a saddle point to one side, 0.1 Å apart at most.

    Each step follows the descent on the parabola that the gradient and the Hessian give, so that steps near the minimum
    are short.
    """
    mode = np.linalg.eigh(hessian(atoms))[1][:, 0].reshape(-1, 3)
    symbols, places = atoms.symbols, atoms.positions + side * 0.1 * mode
    while True:
        atoms = Atoms(symbols, places)
        yield atoms
        curves, modes = np.linalg.eigh(hessian(atoms))
        slopes = -modes.T @ springs(atoms, 0, 1)[1].ravel()
        curves[np.abs(curves) < 1e-6] = 1e-6
        time, step = 1e-3, np.zeros(places.size)
        while time < 1e3:
            further = -modes @ (-np.expm1(-curves * time) / curves * slopes)
            if np.linalg.norm(further) > 0.1:
                break
            time, step = 1.2 * time, further
        places = places + step.reshape(-1, 3)


def hessian(atoms: Atoms) -> np.ndarray:
    """Second derivatives of `springs` in eV/Å²."""
    rows = []
    for i in range(3 * len(atoms)):
        sides = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions.reshape(-1)[i] += sign * 1e-4
            sides.append(-springs(moved, 0, 1)[1].ravel())
        rows.append((sides[0] - sides[1]) / 2e-4)
    found = np.array(rows)
    return (found + found.T) / 2


def electrons_fit(atoms: Atoms, charge: int, multiplicity: int) -> bool:
    """Whether the electrons can have the multiplicity."""
    return (int(atoms.numbers.sum()) - charge - multiplicity + 1) % 2 == 0


def molecule(rows: Iterable[str]) -> Atoms:
    """The molecule of lines with a symbol and coordinates in Å."""
    words = [row.split() for row in rows if row.strip()]
    return Atoms([row[0] for row in words], [[float(x) for x in row[1:4]] for row in words])


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
