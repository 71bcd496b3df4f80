"""Runs of pw.x with input written and output read here, and what follows from their energies."""

import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.build import bulk

from .by_ase import at_volume
from .derivatives import first, moved, second
from .eos import birch_murnaghan
from .paths import wave_number

PSEUDOPOTENTIALS = "/usr/share/espresso/pseudo"
INPUT = """&control
  calculation = 'scf', pseudo_dir = '{pseudo}', outdir = '.', tprnfor = .true., tstress = .true.
/
&system
  ibrav = 0, nat = {atoms}, ntyp = 1, ecutwfc = {cutoff}, {occupations}
/
&electrons
  conv_thr = 1e-10
/
ATOMIC_SPECIES
{symbol} 1.0 {symbol}.pz-vbc.UPF
K_POINTS automatic
{points} {points} {points} 0 0 0
CELL_PARAMETERS angstrom
{cell}
ATOMIC_POSITIONS angstrom
{positions}
"""
SETTINGS = {
    "Si": {"cutoff": 18, "occupations": "occupations = 'fixed'", "points": 4},
    "Al": {"cutoff": 16, "occupations": "occupations = 'smearing', smearing = 'cold', degauss = 0.02", "points": 8},
}
SILICON = bulk("Si", a=5.40)
ALUMINIUM = bulk("Al", a=3.97)
SHIFT = (0.05, 0.02, -0.03)  # Å


@cache
def _output(symbol: str, cell: str, positions: str, atoms: int) -> str:
    text = INPUT.format(
        pseudo=PSEUDOPOTENTIALS, atoms=atoms, symbol=symbol, cell=cell, positions=positions, **SETTINGS[symbol]
    )
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "pw.in").write_text(text)
        done = subprocess.run(["pw.x", "-in", "pw.in"], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout


def output(atoms: Atoms) -> str:
    """The output of pw.x for a structure of one element."""
    cell = "\n".join(" ".join(f"{value:.12f}" for value in row) for row in atoms.cell.array)
    symbol = atoms.symbols[0]
    rows = (" ".join(f"{value:.12f}" for value in row) for row in atoms.positions)
    return _output(symbol, cell, "\n".join(f"{symbol} {row}" for row in rows), len(atoms))


def energy(atoms: Atoms) -> float:
    """The total energy in eV."""
    return float(re.findall(r"^!\s+total energy\s+=\s+(\S+) Ry", output(atoms), re.MULTILINE)[-1]) * units.Ry


def force(axis: int) -> float:
    """A component of the force on a displaced atom of Si in eV/Å, from energies."""
    atoms = moved(SILICON, 1, SHIFT)
    return -first(lambda size: energy(moved(atoms, 1, np.eye(3)[axis] * size)), 0.01)


def pressure(atoms: Atoms) -> float:
    """The pressure in GPa that the output states in kbar."""
    return float(re.findall(r"P=\s*(\S+)", output(atoms))[-1]) / 10


def optical_frequency() -> float:
    """Wave number in cm⁻¹ of the optical phonons of Si at Γ: both atoms move against each other."""
    curvature = second(lambda size: energy(moved(SILICON, 1, (size, 0, 0))), 0.02)
    return wave_number(curvature, SILICON.get_masses()[0] / 2)


@cache
def aluminium() -> tuple[float, float, float]:
    """Volume in Å³, bulk modulus in GPa and its derivative, of Al at seven volumes."""
    volumes = ALUMINIUM.get_volume() * np.linspace(0.94, 1.06, 7)
    return birch_murnaghan(volumes, np.array([energy(at_volume(ALUMINIUM, volume)) for volume in volumes]))
