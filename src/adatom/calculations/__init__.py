"""Calculations: each does one calculation in one directory, with any ASE calculator and without an engine."""

from adatom.calculations.irc import run_irc
from adatom.calculations.md import run_md
from adatom.calculations.native_irc import run_native_irc
from adatom.calculations.native_relax import run_native_relax
from adatom.calculations.neb import run_neb
from adatom.calculations.optimize import run_optimize
from adatom.calculations.program import run_on_files
from adatom.calculations.saddle import run_saddle
from adatom.calculations.sampling import sample_md
from adatom.calculations.static import run_static
from adatom.calculations.thermo import thermochemistry
from adatom.calculations.vibrations import run_vibrations

__all__ = [
    "run_irc",
    "run_md",
    "run_native_irc",
    "run_native_relax",
    "run_neb",
    "run_on_files",
    "run_optimize",
    "run_saddle",
    "run_static",
    "run_vibrations",
    "sample_md",
    "thermochemistry",
]
