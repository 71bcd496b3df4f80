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
from adatom.calculators.programs import Programs, megabytes
from adatom.calculators.spin import state_of
from adatom.errors import InputError
from adatom.execution.context import current_job
from adatom.recipes.common import jobs
from adatom.recipes.common.flows import *  # noqa: F403
from adatom.recipes.common.preset_code import PresetCode

PROGRAM = ProgramProfile(
    Programs("orca", "orca", "https://orcaforum.kofo.mpg.de, which is free for academic use", launches=True),
    output="orca.out",
    done="ORCA TERMINATED NORMALLY",
    unconverged=r"SCF NOT CONVERGED AFTER|[Ww]avefunction not fully converged|WAVEFUNCTION IS NOT CONVERGED",
    advice="Add SlowConv to `keywords`, or '%scf MaxIter 300 end' to `blocks`.",
    takes_input=True,
)

Words = Sequence[str] | Mapping[str, Any]


class Orca(GenericFileIOCalculator):
    """Calculator of ORCA, with ASE's input and output.

    Parameters
    ----------
    keywords
        Words of the simple input: a list such as ``["B3LYP", "def2-TZVP"]``, or a table ``{"B3LYP": True}``. ``EnGrad``
        is added where forces are needed.
    blocks
        Blocks of the input: a list such as ``["%scf MaxIter 300 end"]``, or a table ``{"scf": {"MaxIter": 300}}``. The
        number of processes is that of the job, and ``maxcore`` its memory for each.
    charge, multiplicity
        Same as in `adatom.calculators.spin.state_of`.
    """

    def __init__(
        self,
        keywords: Words,
        blocks: Words = (),
        charge: int | None = None,
        multiplicity: int | None = None,
    ) -> None:
        lines = [_block(name, value) for name, value in _table(blocks).items() if value is not False]
        given = {"keywords": _on(keywords), "blocks": lines, "charge": charge, "multiplicity": multiplicity}
        profile = PROGRAM.check()
        super().__init__(template=_Template(), profile=profile, directory=".", parameters=given)  # type: ignore[no-untyped-call]


class _Template(OrcaTemplate):
    """ASE's template, with the state and the ranks of the job, and forces where they are needed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._asked: set[str] = set()

    def write_input(self, profile: Any, directory: Any, atoms: Any, parameters: Any, properties: Any) -> None:
        charge, multiplicity = state_of(atoms, parameters["charge"], parameters["multiplicity"])
        keywords, blocks = parameters["keywords"], parameters["blocks"]
        self._asked |= {*properties}  # a property asked for once is computed in later steps, too
        if "forces" in self._asked and "engrad" not in {word.lower() for word in keywords}:
            keywords = [*keywords, "EnGrad"]
        if (needs := current_job().resources) and needs.ranks > 1:
            blocks = [*blocks, f"%pal nprocs {needs.ranks} end"]
        memory = megabytes(0.75)  # what its manual recommends, as it takes more at times
        if needs and memory and not any(block.lower().startswith("%maxcore") for block in blocks):
            blocks = [*blocks, f"%maxcore {memory // needs.ranks_per_node}"]
        words: dict[str, Any] = {"orcasimpleinput": " ".join(keywords), "orcablocks": "\n".join(blocks)}
        words |= {"charge": charge, "mult": multiplicity}
        super().write_input(profile, directory, atoms, words, properties)  # type: ignore[no-untyped-call]

    def read_results(self, directory: Any) -> dict[str, Any]:
        output = Path(directory) / self.outputname
        results = dict(read_orca_output(output, index=-1).calc.results)
        if (gradient := output.with_suffix(".engrad")).exists():  # with more digits
            results["forces"] = read_orca_engrad(gradient)
        return {name: value for name, value in results.items() if value is not None}


def _table(words: Words) -> dict[str, Any]:
    return dict(words) if isinstance(words, Mapping) else dict.fromkeys(words, True)


def _on(words: Words) -> list[str]:
    return [word for word, on in _table(words).items() if on is True]


def _block(name: str, value: Any) -> str:
    if name.startswith("%"):  # as it is
        return name
    if isinstance(value, Mapping):
        return "\n".join([f"%{name}", *(f"  {key} {one}" for key, one in value.items()), "end"])
    return f"%{name} {value}"


def layer(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters in which names in tables are in lower case, so that they meet those of other layers.

    Parameters
    ----------
    parameters
        Some of the arguments of `Orca`.
    """

    def lowered(table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        return {key if key.startswith("%") else key.lower(): lowered(value) for key, value in table.items()}

    return {name: lowered(value) for name, value in parameters.items()}


def make_orca(atoms: Atoms, **calc_kwargs: Any) -> Orca:
    """Return the calculator for a structure.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    **calc_kwargs
        Arguments of `Orca`.
    """
    return Orca(**calc_kwargs)


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse periodic structures, words that are no words, and a charge or multiplicity that does not fit.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_molecule(atoms, "ORCA")
    for name in ("keywords", "blocks"):
        if not isinstance(given := calc_kwargs.get(name, ()), Mapping | list | tuple):
            raise InputError(f"{name} is {given!r}. Give a list, or a table.")
    words = calc_kwargs.get("keywords", ())
    for word, on in _table(words).items():
        if not isinstance(on, bool):
            raise InputError(f"keywords has {word}: {on!r}. Give True, or Remove.")
    if not _on(words):
        raise InputError("There are no keywords. Give calc_kwargs={'keywords': ['PBE', 'def2-SVP']}, or a preset.")
    for word in _on(words):
        if re.fullmatch(r"(|Tight|VeryTight|Loose|C)Opt(TS)?|NEB(-\w+)?|IRC|MD", word, re.IGNORECASE):
            raise InputError(
                f"keywords has {word!r}, with which ORCA moves the atoms by itself. Leave it out, and use relax_job, "
                "ts_job, neb_job, irc_job or md_job."
            )
    check_state(atoms, calc_kwargs)


orca = PresetCode(
    "ORCA",
    make_orca,
    parameters=("keywords", "blocks", "charge", "multiplicity"),
    check=check,
    package="orca",
    preset="b3lyp",
    layer=layer,
)

static_job = orca.job(jobs.static_job)
relax_job = orca.job(jobs.relax_job)
md_job = orca.job(jobs.md_job)
freq_job = orca.job(jobs.freq_job)
neb_job = orca.job(jobs.neb_job)
ts_job = orca.job(jobs.ts_job)
irc_job = orca.job(jobs.irc_job)

orca.bind_flows()
