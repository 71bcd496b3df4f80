"""`map` and `autoparallelize`: a function becomes an operation."""

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

__all__ = ["autoparallelize", "identify", "map"]


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

    Order and groups of what comes out are those of what goes in, whoever works on it. The function is given copies: the
    structures of `inputs` stay as they are.

    Parameters
    ----------
    function
        A job or any function, called as ``function(atoms, **kwargs)``; options of a job, such as `cache` and `retries`,
        are for its own ``.map``. It returns a structure; a list of structures,
        which become a group; None: nothing comes out; or the result of a recipe, whose structure comes out with its
        results.
    inputs
        A `ConfigSet`, or any iterable of what the function takes: SMILES strings, numbers, lists of structures.
    outputs
        An `OutputSpec`, or what it is made of: a name, a list of names. None: memory.
    output_prefix
        Before the names under which results of a recipe are kept in its structure, as by `calculate`. None: they are
        those of ``atoms.calc``, and a file has them under their own names.
    seed
        Of random numbers: the function is given ``rng``, a `numpy.random.Generator` of its own for each structure. It
        depends on the seed and the structure's place alone.
    on_error
        What becomes of a structure for which the function raises an exception, or ends its worker. ``"raise"``: the
        operation stops there. ``"keep"``: the structure comes out as it went in, with the cause in
        ``atoms.info["FUNCTION_failed"]``, or ``"PREFIXfailed"``. ``"skip"``: it does not come out. ``"retry"``: as
        ``"keep"``, after further attempts.
    autopara_info
        How the work spreads over workers.
    **kwargs
        Other arguments of the function.

    Returns
    -------
    ConfigSet
        What came out, wherever it is; ``.failures`` says why, of the items that failed, by number.

    Raises
    ------
    InputError
        Inputs and outputs do not fit, or a file is there that something else has made; before anything is computed.
    ItemError
        The function failed for a structure. What came out before it is kept.
    UnfinishedError
        The time was over. What is done is kept, and what is left is told.
    StorageError
        An output file cannot be written. What is done is kept.
    """
    name = _name(function)
    mark = f"{name}_failed" if output_prefix is None else f"{output_prefix}failed"
    operation = Operation(name, function, kwargs, on_error, mark=mark, seed=seed, prefix=output_prefix)
    identity = {**identify(function, kwargs, seed), "output_prefix": repr(output_prefix)}
    sample = None if output_prefix is None else sample_results(output_prefix, ["energy", "forces"])
    return run_operation(operation, inputs, outputs, identity, autopara_info, sample)


@dataclass(frozen=True)
class autoparallelize:
    """Make an operation of a function of a list, whose start is dear: it is called for many structures at once.

    ::

        @autoparallelize
        def saturate(structures, cap_with):
            database = open_database()
            return [database.saturate(atoms, cap_with) for atoms in structures]

        saturated = saturate(inputs, OutputSpec("saturated.xyz"), cap_with="H")

    The operation takes inputs, outputs and the keyword arguments of `map`.

    Attributes
    ----------
    function
        Takes a list and keyword arguments; gives a list with a structure, a list of structures, or None for each item.
        With a seed it is given a list ``rng`` of random number generators. If it fails for a list, it is called for
        each item alone.
    autopara_info
        How the work spreads over workers, unless a call says it.
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
        """As `map`."""
        name = _name(self.function)
        operation = Operation(name, self.function, kwargs, on_error, mark=f"{name}_failed", seed=seed, whole=True)
        identity = identify(self.function, kwargs, seed)
        return run_operation(operation, inputs, outputs, identity, autopara_info or self.autopara_info)


def identify(function: Callable[..., Any], kwargs: Mapping[str, Any], seed: int | None = None) -> dict[str, str]:
    """What says whether two operations are the same: the code of the function, its arguments, the seed.

    Parameters
    ----------
    function, kwargs, seed
        As of `map`.
    """
    plain = getattr(function, "_fn", function)
    canonical = Canonical(describe_code)
    parts = {"function": _name(function), "source": source_of(plain).digest, "seed": repr(seed)}
    for name, value in kwargs.items():
        if name == "calculator":  # of a model by name, its version and what is in its file
            value = identify_model(value)
        try:
            parts |= canonical.parts(name, value)
        except (UnhashableError, RecursionError):
            try:
                parts[name] = digest(cloudpickle.dumps(value))
            except Exception:  # nothing tells two such values apart but their types
                parts[name] = f"{type(value).__module__}.{type(value).__qualname__}"
    return parts


def _name(function: Any) -> str:
    if not callable(function):
        raise InputError(f"{function!r} is no function. Give a job, or any function of a structure.")
    named = getattr(function, "func", function)  # of a functools.partial
    name = getattr(named, "name", None) or getattr(named, "__name__", None) or type(named).__name__
    return "function" if name == "<lambda>" else str(name)
