"""Calculations by the names and in the words of MLIP Arena, as jobs of any engine.

A name, a member of ``MLIPEnum``, an ASE calculator or its class selects the potential of each.
"""

from adatom.arena.tasks.elasticity import ELASTICITY
from adatom.arena.tasks.eos import EOS, EV
from adatom.arena.tasks.md import MD
from adatom.arena.tasks.neb import NEB, NEB_FROM_ENDPOINTS
from adatom.arena.tasks.opt import OPT
from adatom.arena.tasks.phonon import PHONON
from adatom.arena.tasks.widom import WIDOM

__all__ = ["ELASTICITY", "EOS", "EV", "MD", "NEB", "NEB_FROM_ENDPOINTS", "OPT", "PHONON", "WIDOM"]
