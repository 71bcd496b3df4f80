"""`calculate`: energies, forces and stresses of many structures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ase.calculators.calculator import all_properties

from adatom.calculators.models import Calculator, identify_model, model_label, model_names, refuse_list
from adatom.configs.autopara import AutoparaInfo
from adatom.configs.configset import ConfigSet
from adatom.configs.evaluate import Evaluate, Overrides
from adatom.configs.mapping import identify
from adatom.configs.operation import Operation
from adatom.configs.results import sample_results
from adatom.configs.run import Outputs, run_operation
from adatom.errors import InputError, UnknownNameError
from adatom.utils.keywords import named_arguments

__all__ = ["calculate"]


@named_arguments
def calculate(
    inputs: Any,
    outputs: Outputs = None,
    calculator: Calculator | Sequence[Calculator] = None,
    properties: str | Sequence[str] | None = None,
    output_prefix: str | None = None,
    *,
    overrides: Overrides = None,
    on_error: str = "keep",
    autopara_info: AutoparaInfo | None = None,
) -> ConfigSet:
    """Evaluate each structure of a set, and keep the results in it under names that begin with the calculator's.

    A calculator is made once in each worker, and keeps its state from one structure to the next, as in a loop that is
    written by hand. Models whose packages can evaluate structures together do so; the results then agree with those of
    single evaluations to single precision (`adatom.calculators.batched.evaluate_batched`).

    Parameters
    ----------
    inputs
        A `ConfigSet`, or anything that a `ConfigSet` can be made of.
    outputs
        An `OutputSpec`, or anything that it can be made of: a file name, a list of file names. None: the structures are
        kept in memory.
    calculator
        An ASE calculator; its class; a function that makes one; a tuple of constructor, positional arguments and
        keyword arguments; or the name of a model, such as ``"chgnet"`` or ``"mace:PATH"``. A list of them is a
        committee: the results are the means over the members, and the standard deviations of the members (not of their
        mean) are kept under ``PREFIXenergy_std`` and so on.
    properties
        Name or list of names of properties, as in ASE. None: those of energy, forces and stress that the calculator
        has. The stress is left out for a structure that is not periodic in all directions. With forces or stress, the
        energy is ASE's ``free_energy``, whose derivatives they are, where the calculator has it.
    output_prefix
        Prefix of the names of the results: ``atoms.info["REF_energy"]`` in eV, ``atoms.arrays["REF_forces"]`` in eV/Å,
        ``atoms.info["REF_stress"]`` in eV/Å³, as a vector of 6. None: the calculator's name and an underscore.
    overrides
        Keyword arguments of the constructor for one structure, in place of the common ones: a function of the structure
        that returns a dictionary, or the key of `Atoms.info` under which a dictionary is. None: the common ones apply
        to all structures.
    on_error
        Treatment of structures that fail, same as in `map`. A structure that failed has the cause in
        ``atoms.info["PREFIXfailed"]``.
    autopara_info
        Options for spreading the work over workers; None: the defaults of `AutoparaInfo`.

    Returns
    -------
    ConfigSet
        Set of the structures with their results.

    Raises
    ------
    InputError
        A calculator or property does not exist, an output file cannot hold results, or `map` refuses the inputs or
        outputs.
    ItemError, UnfinishedError, StorageError
        These are raised in the same cases as by `map`.
    """
    refuse_list(calculator)
    members: list[Any] = list(calculator) if isinstance(calculator, list) else [calculator]
    if not members or None in members:
        raise InputError(
            "calculate needs a calculator. Give one of ASE's, its class, (class, args, kwargs), or a model by name: "
            f"{', '.join(model_names())}."
        )
    properties = [properties] if isinstance(properties, str) else properties
    unknown = next((name for name in properties or () if name not in all_properties), None)
    if unknown is not None:
        raise UnknownNameError("property", unknown, all_properties)
    prefix = f"{model_label(members[0])}_" if output_prefix is None else output_prefix
    function = Evaluate(members, properties, prefix, overrides)
    known = {
        "calculator": [identify_model(member) for member in members],
        "properties": function.properties,
        "prefix": prefix,
        "overrides": overrides,
    }
    name, batched = f"calculate {prefix.rstrip('_')}".strip(), function.batched
    operation = Operation(
        name,
        function.many if batched else function,
        on_error=on_error,
        mark=f"{prefix}failed",
        whole=batched,
        calculators=False,
        adds=True,
    )
    identity = identify(Evaluate.__call__, known)
    if not isinstance(inputs, ConfigSet):
        inputs = ConfigSet(inputs)
    sample = sample_results(prefix, function.expected)
    return run_operation(operation, inputs, outputs, identity, autopara_info, sample)
