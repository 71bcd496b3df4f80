"""GULP: classical potentials for crystals and molecules."""

from adatom.calculators.gulp import Gulp, check
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

gulp = Code("GULP", Gulp, parameters=tuple(Gulp.default_parameters), check=check)

static_job = gulp.job(jobs.static_job)
relax_job = gulp.job(jobs.relax_job)
md_job = gulp.job(jobs.md_job)
freq_job = gulp.job(jobs.freq_job)
neb_job = gulp.job(jobs.neb_job)
ts_job = gulp.job(jobs.ts_job)
irc_job = gulp.job(jobs.irc_job)

gulp.bind_flows()
