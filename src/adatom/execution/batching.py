"""The number of items that travel in one task, by what items have cost so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adatom.execution.engine import Engine

__all__ = ["BatchSize"]

_GROWTH = 8  # of a batch against the one before, as an item may be an odd one
_BALANCE = 4  # a last batch is worth at least this part of the others: balancing less costs more than it saves


class BatchSize:
    """Size of the next batch: as many items as make a task worth its cost on the engine.

    Parameters
    ----------
    engine
        Engine that runs the batches; it remembers the cost of an item for the next operation of the same kind.
    kind
        Names of the function and of all that tells one operation from another.
    known
        Whether the cost of items in an earlier operation of this kind counts. It must not where time is limited, as a
        first batch that is too long cannot be stopped.

    Attributes
    ----------
    cost
        Seconds that an item takes.
    measured
        Whether `cost` comes from items of this operation.
    """

    def __init__(self, engine: Engine, kind: tuple[str, str], known: bool = True) -> None:
        self._engine, self._kind = engine, kind
        self._aim = engine.capabilities.worthwhile
        self.cost = engine.item_costs.get(kind, self._aim) if known else self._aim
        self.measured = False
        self._size = max(1.0, self._aim / self.cost / _GROWTH)

    @property
    def seconds(self) -> float:
        """Seconds that the next batch takes; 0 before the first is measured."""
        return self.cost * self._size if self.measured else 0.0

    def next(self, left: int | None = None, workers: int = 1) -> int:
        """Return the number of items for the next batch.

        Parameters
        ----------
        left
            Number of items that are left; None: not known.
        workers
            Number of batches among which the items that are left are shared out, so that all workers end together.
        """
        size = self._size
        if left is not None:
            share = -(-left // workers)
            least = size / _BALANCE if self.measured else 1.0
            size = min(size, max(share, least))
        return max(1, round(size))

    def learn(self, count: int, seconds: float) -> None:
        """Take in what a batch cost.

        Parameters
        ----------
        count
            Number of its items.
        seconds
            Time that they took together.
        """
        self.measured = True
        self.cost = self._engine.item_costs[self._kind] = max(seconds / count, 1e-7)
        self._size = max(1.0, min(self._aim / self.cost, _GROWTH * self._size))
