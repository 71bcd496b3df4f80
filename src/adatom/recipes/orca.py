"""ORCA: quantum chemistry of molecules with Gaussian functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.genericfileio import GenericFileIOCalculator
from ase.calculators.orca import OrcaTemplate
from ase.io.orca import read_orca_engrad, read_orca_output

from adatom.calculations.checks import check_molecule, check_state
from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs
from adatom.calculators.spin import state_of
from adatom.errors import InputError
from adatom.execution.context import current_job
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

PROGRAM = ProgramProfile(
    Programs("orca", "orca", "https://orcaforum.kofo.mpg.de, which is free for academic use", launches=True),
    output="orca.out",
    done="ORCA TERMINATED NORMALLY",
    unconverged=r"SCF NOT CONVERGED AFTER|[Ww]avefunction not fully converged|WAVEFUNCTION IS NOT CONVERGED",
    advice="Add SlowConv to `keywords`, or '%scf MaxIter 300 end' to `blocks`.",
    takes_input=True,
)


class Orca(GenericFileIOCalculator):
    """Calculator of ORCA, with ASE's input and output.

    Parameters
    ----------
    keywords
        Words of the simple input, such as ``["B3LYP", "def2-TZVP"]``. ``EnGrad`` is added where forces are needed.
    blocks
        Blocks of the input, such as ``["%scf MaxIter 300 end"]``. The number of processes is that of the job.
    charge, multiplicity
        Same as in `adatom.calculators.spin.state_of`.
    """

    def __init__(
        self,
        keywords: Sequence[str] = ("B3LYP", "def2-TZVP"),
        blocks: Sequence[str] = (),
        charge: int | None = None,
        multiplicity: int | None = None,
    ) -> None:
        given = {"keywords": [*keywords], "blocks": [*blocks], "charge": charge, "multiplicity": multiplicity}
        profile = PROGRAM.check()
        super().__init__(template=_Template(), profile=profile, directory=".", parameters=given)  # type: ignore[no-untyped-call]


class _Template(OrcaTemplate):
    """ASE's template, with the state and the ranks of the job, and forces where they are needed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._asked: set[str] = set()

    def write_input(self, profile: Any, directory: Any, atoms: Any, parameters: Any, properties: Any) -> None:
        charge, multiplicity = state_of(atoms, parameters["charge"], parameters["multiplicity"])
        keywords, needs = parameters["keywords"], current_job().resources
        self._asked |= {*properties}  # a property asked for once is computed in later steps, too
        if "forces" in self._asked and "engrad" not in {word.lower() for word in keywords}:
            keywords = [*keywords, "EnGrad"]
        ranks = needs.ranks if needs else 1
        blocks = [*parameters["blocks"], *([f"%pal nprocs {ranks} end"] if ranks > 1 else [])]
        words: dict[str, Any] = {"orcasimpleinput": " ".join(keywords), "orcablocks": "\n".join(blocks)}
        words |= {"charge": charge, "mult": multiplicity}
        super().write_input(profile, directory, atoms, words, properties)  # type: ignore[no-untyped-call]

    def read_results(self, directory: Any) -> dict[str, Any]:
        output = Path(directory) / self.outputname
        results = dict(read_orca_output(output, index=-1).calc.results)
        if (gradient := output.with_suffix(".engrad")).exists():  # with more digits
            results["forces"] = read_orca_engrad(gradient)
        return {name: value for name, value in results.items() if value is not None}


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse periodic structures, text in the place of lists, and a charge or multiplicity that does not fit.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_molecule(atoms, "ORCA")
    for name in ("keywords", "blocks"):
        if isinstance(calc_kwargs.get(name), str):
            raise InputError(f"{name} is {calc_kwargs[name]!r}. Give a list.")
    for word in calc_kwargs.get("keywords", ()):
        if re.fullmatch(r"(|Tight|VeryTight|Loose|C)Opt(TS)?|NEB(-\w+)?|IRC|MD", word, re.IGNORECASE):
            raise InputError(
                f"keywords has {word!r}, with which ORCA moves the atoms by itself. Leave it out, and use relax_job, "
                "ts_job, neb_job, irc_job or md_job."
            )
    check_state(atoms, calc_kwargs)


orca = Code("ORCA", Orca, parameters=("keywords", "blocks", "charge", "multiplicity"), check=check)

static_job = orca.job(jobs.static_job)
relax_job = orca.job(jobs.relax_job)
md_job = orca.job(jobs.md_job)
freq_job = orca.job(jobs.freq_job)
neb_job = orca.job(jobs.neb_job)
ts_job = orca.job(jobs.ts_job)
irc_job = orca.job(jobs.irc_job)

orca.bind_flows()
