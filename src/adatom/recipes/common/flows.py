"""Table of the flows of all codes, a line for each.

``Code.bind_flows`` gives each flow to the codes that have its jobs. The form ``import name as name`` makes names
public for type checkers.
"""

from adatom.recipes.common.convergence import convergence_flow as convergence_flow
from adatom.recipes.common.defects import bulk_to_defects_flow as bulk_to_defects_flow
from adatom.recipes.common.diatomic import diatomic_flow as diatomic_flow
from adatom.recipes.common.elastic import elastic_tensor_flow as elastic_tensor_flow
from adatom.recipes.common.energy_volume import energy_volume_flow as energy_volume_flow
from adatom.recipes.common.eos import eos_flow as eos_flow
from adatom.recipes.common.irc import irc_flow as irc_flow
from adatom.recipes.common.neb import neb_flow as neb_flow
from adatom.recipes.common.phonons import phonon_flow as phonon_flow
from adatom.recipes.common.qha import qha_flow as qha_flow
from adatom.recipes.common.slabs import bulk_to_slabs_flow as bulk_to_slabs_flow
from adatom.recipes.common.slabs import slab_to_ads_flow as slab_to_ads_flow
from adatom.recipes.common.ts import ts_flow as ts_flow
