"""Jobs with pw.x of Quantum ESPRESSO."""

from inspect import getfullargspec

from adatom.calculators.espresso.pw import layer, make_espresso
from adatom.recipes.common import core
from adatom.recipes.common.preset_code import PresetCode

__all__ = ["ase_relax_job", "freq_job", "md_job", "relax_job", "static_job"]

espresso = PresetCode(
    "Quantum ESPRESSO",
    make_espresso,
    parameters=(*getfullargspec(make_espresso).kwonlyargs,),
    package="espresso",
    preset="metal",  # its small smearing does a semiconductor no harm
    layer=layer,
)

static_job = espresso.job(core.static_job)
relax_job = espresso.job(core.native_relax_job, name="relax_job")
ase_relax_job = espresso.job(core.relax_job, name="ase_relax_job")
md_job = espresso.job(core.md_job)
freq_job = espresso.job(core.freq_job)
