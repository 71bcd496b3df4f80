"""`map` and `autoparallelize`: apply a function to many structures on the workers of an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cloudpickle

from adatom.cache.canonical import Canonical, UnhashableError, digest
from adatom.cache.source import describe_code, source_of
from adatom.calculators.models import identify_model
from adatom.configs.autopara import AutoparaInfo
from adatom.configs.configset import ConfigSet
from adatom.configs.operation import Operation
from adatom.configs.results import sample_results
from adatom.configs.run import Outputs, run_operation
from adatom.errors import InputError
from adatom.utils.keywords import refuse_unknown

__all__ = ["autoparallelize", "identify", "map"]

_OPTIONS = {"output_prefix", "seed", "on_error", "autopara_info"}


def map(
    function: Callable[..., Any],
    inputs: Any,
    outputs: Outputs = None,
    *,
    output_prefix: str | None = None,
    seed: int | None = None,
    on_error: str = "raise",
    autopara_info: AutoparaInfo | None = None,
    **kwargs: Any,
) -> ConfigSet:
    """Apply a function to each structure of a set.

    The outputs have the order and the groups of the inputs, regardless of the workers. The function is given copies:
    the structures of `inputs` are not changed.

    Parameters
    ----------
    function
        A job or any function, called as ``function(atoms, **kwargs)``; options of a job, such as `cache` and `retries`,
        apply to its own ``.map`` only. The function returns a structure; a list of structures, which become a group;
        None for no output; or the result of a recipe, whose structure becomes the output and is given the results.
    inputs
        A `ConfigSet`, or any iterable of items that the function takes: SMILES strings, numbers, lists of structures.
    outputs
        An `OutputSpec`, or anything that it can be made of: a file name, a list of file names. None: the outputs are
        kept in memory.
    output_prefix
        Prefix of the names under which results of a recipe are kept in its structure, as by `calculate`. None: they are
        kept as results of ``atoms.calc``, and a file has them under their own names.
    seed
        Seed of random numbers: the function is given ``rng``, a `numpy.random.Generator` for each structure, which
        depends on the seed and the structure's place alone. None: no ``rng`` is given.
    on_error
        Treatment of a structure for which the function raises an exception, or ends its worker. ``"raise"``: the
        operation stops at this structure. ``"keep"``: the output is the structure as it is in the inputs, with the
        cause in ``atoms.info["FUNCTION_failed"]``, or ``"PREFIXfailed"``. ``"skip"``: the structure has no output.
        ``"retry"``: as ``"keep"``, after further attempts.
    autopara_info
        Options for spreading the work over workers; None: the defaults of `AutoparaInfo`.
    **kwargs
        Other arguments of the function, the same for all structures.

    Returns
    -------
    ConfigSet
        Outputs, in memory or in files; ``.failures`` holds the cause for each item that failed, by number.

    Raises
    ------
    InputError
        Inputs and outputs do not fit, or something else has made an output file; raised before anything is computed.
    ItemError
        The function failed for a structure. The outputs of the structures before it are kept.
    UnfinishedError
        The time was over. The outputs that are done are kept, and the error holds the inputs that are left.
    StorageError
        An output file cannot be written. The outputs that are done are kept.
    """
    name = _name(function)
    refuse_unknown(function, name, kwargs, besides=_OPTIONS)
    mark = f"{name}_failed" if output_prefix is None else f"{output_prefix}failed"
    operation = Operation(name, function, kwargs, on_error, mark=mark, seed=seed, prefix=output_prefix)
    identity = {**identify(function, kwargs, seed), "output_prefix": repr(output_prefix)}
    sample = None if output_prefix is None else sample_results(output_prefix, ["energy", "forces"])
    return run_operation(operation, inputs, outputs, identity, autopara_info, sample)


@dataclass(frozen=True)
class autoparallelize:
    """Make an operation of a function that takes a list, and call the function for many structures at once.

    This pays for functions that are expensive to start::

        @autoparallelize
        def saturate(structures, cap_with):
            database = open_database()
            return [database.saturate(atoms, cap_with) for atoms in structures]

        saturated = saturate(inputs, OutputSpec("saturated.xyz"), cap_with="H")

    The operation takes inputs, outputs and the keyword arguments of `map` other than `output_prefix`.

    Attributes
    ----------
    function
        Function of a list and keyword arguments, which returns a list with a structure, a list of structures, or None
        for each item. With a seed it is given a list ``rng`` of random number generators. If it fails for a list, it is
        called for each item alone.
    autopara_info
        Options for spreading the work over workers in calls that give none; None: the defaults of `AutoparaInfo`.
    """

    function: Callable[..., Any]
    autopara_info: AutoparaInfo | None = None

    def __call__(
        self,
        inputs: Any,
        outputs: Outputs = None,
        *,
        seed: int | None = None,
        on_error: str = "raise",
        autopara_info: AutoparaInfo | None = None,
        **kwargs: Any,
    ) -> ConfigSet:
        """Apply the function to the items of a set, with arguments as in `map`."""
        name = _name(self.function)
        refuse_unknown(self.function, name, kwargs, besides=_OPTIONS - {"output_prefix"})
        operation = Operation(name, self.function, kwargs, on_error, mark=f"{name}_failed", seed=seed, whole=True)
        identity = identify(self.function, kwargs, seed)
        return run_operation(operation, inputs, outputs, identity, autopara_info or self.autopara_info)


def identify(function: Callable[..., Any], kwargs: Mapping[str, Any], seed: int | None = None) -> dict[str, str]:
    """Return texts that are equal for equal operations: of the function's code, of its arguments, and of the seed.

    Parameters
    ----------
    function, kwargs, seed
        Function, its keyword arguments and the seed, same as in `map`.
    """
    plain = getattr(function, "_fn", function)
    canonical = Canonical(describe_code)
    parts = {"function": _name(function), "source": _source(plain), "seed": repr(seed)}
    for name, value in kwargs.items():
        if name == "calculator":  # the version of a model and the content of its file count
            value = identify_model(value)
        try:
            parts |= canonical.parts(name, value)
        except (UnhashableError, RecursionError):
            parts[name] = _pickled(value)
    return parts


def _source(function: Any) -> str:
    try:
        return source_of(function).digest
    except UnhashableError:  # the function reaches a lock or the like
        return _pickled(function)


def _pickled(value: Any) -> str:
    try:
        return digest(cloudpickle.dumps(value))
    except Exception:  # such values can be told apart by their types only
        return f"{type(value).__module__}.{type(value).__qualname__}"


def _name(function: Any) -> str:
    if not callable(function):
        raise InputError(
            f"configs.map is given {type(function).__name__} as its function: map(function, inputs) wants a job, "
            "or any function of a structure, first."
        )
    named = getattr(function, "func", function)  # of a functools.partial
    name = getattr(named, "name", None) or getattr(named, "__name__", None) or type(named).__name__
    return "function" if name == "<lambda>" else str(name)
