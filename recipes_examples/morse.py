"""A new code is one small file: the Morse potential of copper, by Girifalco and Weizer, Phys. Rev. 114, 687 (1959)."""

from ase.calculators.morse import MorsePotential

from adatom.recipes.common import core, slabs
from adatom.recipes.common.code import Code


def make_calculator(*, epsilon=0.3429, r0=2.866, rho0=3.894):
    """Depth of the well in eV, where it is in Å, and its steepness times `r0`."""
    return MorsePotential(epsilon=epsilon, r0=r0, rho0=rho0)


morse = Code("Morse", make_calculator, elements=("Cu",), parameters=("epsilon", "r0", "rho0"))

static_job = morse.job(core.static_job)
relax_job = morse.job(core.relax_job)
md_job = morse.job(core.md_job)
freq_job = morse.job(core.freq_job)

bulk_to_slabs_flow = slabs.bulk_to_slabs_flow.bind(relax_job=relax_job, static_job=static_job)
slab_to_ads_flow = slabs.slab_to_ads_flow.bind(relax_job=relax_job, static_job=static_job)
