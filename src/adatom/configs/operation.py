"""What is done to each item of a stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms

__all__ = ["Operation", "Shape"]

Shape = int | None
"""Of what an item became: None for one structure, else how many there are in its group; 0 is nothing."""


@dataclass(frozen=True)
class Operation:
    """What is done to each item.

    Attributes
    ----------
    name
        What to call it.
    function
        Takes an item, or with `whole` a list of items; gives a structure, a list of some, or None for each.
    kwargs
        Its other arguments.
    on_error
        As of `adatom.configs.map`.
    retries
        Number of further attempts for an item for which the function raised.
    restarts
        Number of further attempts for an item whose worker died.
    mark
        The key of `Atoms.info` that says why a structure failed.
    seed
        Of the items' random numbers, given as ``rng``; None: none are given.
    whole
        Whether the function takes a list.
    calculators
        Whether the function may use the calculators that structures bring along.
    prefix
        Before the names of a recipe's results in its structure; None: they are those of its calculator.
    initializer
        Called once in each worker, before anything else.
    tags
        Added to `Atoms.info` of every structure that comes out.
    write_kwargs
        Of the writer of extended XYZ, where the output is written as text; None: it is not.
    """

    name: str
    function: Callable[..., Any]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    on_error: str = "raise"
    retries: int = 0
    restarts: int = 0
    mark: str = "failed"
    seed: int | None = None
    whole: bool = False
    calculators: bool = True
    prefix: str | None = None
    initializer: Callable[[], Any] | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)
    write_kwargs: Mapping[str, Any] | None = None

    def random(self, number: int) -> dict[str, Any]:
        """The random numbers of an item, which depend on nothing but the seed and its number.

        Parameters
        ----------
        number
            The item's, in the whole stream.
        """
        if self.seed is None:
            return {}
        return {"rng": np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(number,)))}

    def failed(self, item: Any) -> list[Atoms]:
        """What comes out for an item that failed.

        Parameters
        ----------
        item
            As it was given.
        """
        kept = [item] if isinstance(item, Atoms) else item if isinstance(item, list) else []
        return [atoms for atoms in kept if isinstance(atoms, Atoms)] if self.on_error in ("keep", "retry") else []
