"""A new code is one small file: the Morse potential of copper, by Girifalco and Weizer, Phys. Rev. 114, 687 (1959)."""

from ase.calculators.morse import MorsePotential

from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403


def make_calculator(*, epsilon=0.3429, r0=2.866, rho0=3.894):
    """Give the potential: depth of the well in eV, its distance in Å, and its steepness times `r0`."""
    return MorsePotential(epsilon=epsilon, r0=r0, rho0=rho0)


morse = Code("Morse", make_calculator, elements=("Cu",), parameters=("epsilon", "r0", "rho0"))

static_job = morse.job(jobs.static_job)
relax_job = morse.job(jobs.relax_job)
md_job = morse.job(jobs.md_job)
freq_job = morse.job(jobs.freq_job)

morse.bind_flows()
