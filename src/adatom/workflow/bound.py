"""Jobs and flows that are methods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adatom.workflow.future import Future
    from adatom.workflow.step import Step

__all__ = ["BoundStep"]


class BoundStep:
    """A job or flow that was looked up on an object, which is its first argument.

    Parameters
    ----------
    step
        Job or flow.
    instance
        Object that it was looked up on.
    """

    def __init__(self, step: Step[Any, Any], instance: Any) -> None:
        self._step, self._instance = step, instance

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the job or flow."""
        return self._step(self._instance, *args, **kwargs)

    def submit(self, *args: Any, **kwargs: Any) -> Future:
        """Start the job or flow, as `Job.submit` does."""
        future: Future = self._step.submit(self._instance, *args, **kwargs)  # type: ignore[attr-defined]
        return future

    def map(self, items: Iterable[Any], /, **common: Any) -> list[Any]:
        """Run the job once for each value of the parameter after the object, as `Job.map` does."""
        results: list[Any] = self._step.map_after((self._instance,), items, common)  # type: ignore[attr-defined]
        return results

    def with_options(self, **changes: Any) -> BoundStep:
        """Return the same job or flow with other options, as `Step.with_options` does."""
        return BoundStep(self._step.with_options(**changes), self._instance)

    def bind(self, **defaults: Any) -> BoundStep:
        """Return the same job or flow with other default values, as `Step.bind` does."""
        return BoundStep(self._step.bind(**defaults), self._instance)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._step, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return BoundStep, (self._step, self._instance)

    def __repr__(self) -> str:
        return f"<{self._step!r} of {self._instance!r}>"
