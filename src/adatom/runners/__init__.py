"""Runners: one calculation in one directory, with any ASE calculator and no engine in sight."""

from adatom.runners.irc import run_irc
from adatom.runners.md import run_md
from adatom.runners.native_relax import run_native_relax
from adatom.runners.neb import run_neb
from adatom.runners.optimize import run_optimize
from adatom.runners.program import run_on_files
from adatom.runners.saddle import run_saddle
from adatom.runners.sampling import sample_md
from adatom.runners.static import run_static
from adatom.runners.thermo import thermochemistry
from adatom.runners.vibrations import run_vibrations

__all__ = [
    "run_irc",
    "run_md",
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
