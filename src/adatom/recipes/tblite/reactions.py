"""Flows over reactions with tblite."""

from adatom.recipes.common import irc, neb, ts
from adatom.recipes.tblite.core import freq_job, irc_job, neb_job, relax_job, ts_job

__all__ = ["irc_flow", "neb_flow", "ts_flow"]

neb_flow = neb.neb_flow.bind(relax_job=relax_job, neb_job=neb_job)
ts_flow = ts.ts_flow.bind(ts_job=ts_job, freq_job=freq_job)
irc_flow = irc.irc_flow.bind(irc_job=irc_job, relax_job=relax_job)
