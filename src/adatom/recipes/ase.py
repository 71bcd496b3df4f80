"""Any calculator of ASE: the recipes for a program or a potential that has no module of its own.

Each job takes a `calculator`, by ASE's name, such as ``"orca"``, or its class.
"""

from __future__ import annotations

from typing import Any

from adatom.calculators.ase_names import calculator_class
from adatom.calculators.models import make_model, model_label
from adatom.errors import InputError
from adatom.recipes.common import jobs
from adatom.recipes.common.flows import *  # noqa: F403
from adatom.recipes.common.model_code import ModelCode


def make_calculator(calculator: Any, **calc_kwargs: Any) -> Any:
    """Return a calculator that nothing else uses.

    Parameters
    ----------
    calculator
        Name of the calculator in ASE, such as ``"orca"``; a class as ``"module:Class"``; the class itself; an ASE
        calculator, which is copied; a function that makes one; or a tuple of class or function, positional arguments
        and keyword arguments. The command of a program is that of ASE's configuration file.
    **calc_kwargs
        Arguments of the calculator, by ASE's names.

    Raises
    ------
    UnknownNameError
        There is no such calculator.
    InputError
        A package is missing, or ASE's configuration does not say how the program is started.
    """
    from ase.calculators.calculator import BadConfiguration

    if calculator is None:
        raise InputError("Which calculator? Give the name that it has in ASE, calculator='orca', or its class.")
    made = calculator_class(calculator)
    try:
        return make_model(made, **calc_kwargs)
    except (BadConfiguration, OSError) as error:
        raise InputError(
            f"{model_label(made)} cannot be made: {error}. ASE's configuration file, which `ase info` names, says how "
            "its program is started: a line `command = /path/to/program` in the section of the calculator."
        ) from error


ase = ModelCode("ASE calculator", make_calculator, found=calculator_class)

static_job = ase.job(jobs.static_job)
scan_job = ase.job(jobs.scan_job)
widom_job = ase.job(jobs.widom_job)
relax_job = ase.job(jobs.relax_job)
md_job = ase.job(jobs.md_job)
freq_job = ase.job(jobs.freq_job)
neb_job = ase.job(jobs.neb_job)
ts_job = ase.job(jobs.ts_job)
irc_job = ase.job(jobs.irc_job)

ase.bind_flows()
