"""Description of a benchmark, from which runs, records and scores are made."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from adatom.errors import InputError, MissingExtraError
from adatom.workflow import Flow

__all__ = ["SIZES", "Benchmark", "Metric", "Size"]

Size = Literal["small", "medium", "full"]
#: Sizes of the set of systems of a benchmark.
SIZES: tuple[Size, ...] = ("small", "medium", "full")


@dataclass(frozen=True)
class Metric:
    """A number by which models are compared, and what it is worth.

    Attributes
    ----------
    name
        Name of the metric.
    about
        What it measures, in one sentence.
    good, bad
        Values with the scores 1 and 0. Between them the score is linear, beyond them it stays.
    unit
        Unit of the metric; empty for none.
    logarithmic
        Whether the score is linear in the logarithm of the metric, whose values are above 0.
    weight
        Weight among the metrics of the benchmark.
    of
        Function that returns the metric of a document; None: the document has it under `name`.
    """

    name: str
    about: str
    good: float
    bad: float
    unit: str = ""
    logarithmic: bool = False
    weight: float = 1.0
    of: Callable[[Mapping[str, Any]], float] | None = None

    def value(self, document: Mapping[str, Any]) -> float:
        """Return the metric of a document.

        Parameters
        ----------
        document
            Document of a system.
        """
        return float(self.of(document) if self.of else document[self.name])

    def score(self, value: float | None) -> float:
        """Return the score of a value, from 0 to 1.

        Parameters
        ----------
        value
            Value of the metric. NaN and None, of a system that has none, score 0.
        """
        if value is None or math.isnan(value):
            return 0.0
        good, bad = self.good, self.bad
        if self.logarithmic:
            good, bad, value = (math.log(max(each, 1e-300)) for each in (good, bad, value))
        return min(max((value - bad) / (good - bad), 0.0), 1.0) if math.isfinite(value) else 0.0

    @property
    def formula(self) -> str:
        """The score as a formula."""
        value, good, bad = self.name, f"{self.good:g}", f"{self.bad:g}"
        if self.logarithmic:
            value, good, bad = f"log {value}", f"log {good}", f"log {bad}"
        return f"({value} - {bad}) / ({good} - {bad}), from 0 to 1"


@dataclass(frozen=True)
class Benchmark:
    """What is computed for a model and a system, and by which metrics models are compared.

    Attributes
    ----------
    name
        Name on the command line and in files.
    title
        Title for people.
    about
        What the benchmark shows, in a sentence or two.
    systems
        Function of a size and of the elements that are wanted, or None for all, that returns the systems by name.
        Structures and molecules of pymatgen are converted.
    flow
        Flow of a system, bound to the jobs of `adatom.recipes.mlip`.
    document
        Name of the document that the flow returns, from which the metrics are taken.
    metrics
        Metrics of the document.
    curves
        Pairs of keys of the document, x and y, that the report draws for each system.
    calls
        Function of a system that returns about how many times a model is called, and with how many atoms.
    parameters
        Arguments of the flow, the same for all systems.
    version
        Number to raise when the protocol changes in a way that nothing else here shows.
    citation
        Source of the protocol; empty if there is none.
    packages
        Packages without which the flow cannot run, and the extra of adatom that installs each.
    """

    name: str
    title: str
    about: str
    systems: Callable[[Size, Collection[str] | None], Mapping[str, Any]]
    flow: Flow[..., Any]
    document: str
    metrics: tuple[Metric, ...]
    curves: tuple[tuple[str, str], ...] = ()
    calls: Callable[[Any], tuple[int, int]] = lambda system: (1, 1)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    citation: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)

    def chosen(self, size: Size, elements: Collection[str] | None) -> Mapping[str, Any]:
        """Return the systems of a run by name, and refuse a run that cannot succeed.

        Parameters
        ----------
        size
            Size of the set.
        elements
            Symbols of elements, of which the systems are to be made; None: all.

        Raises
        ------
        InputError
            No system has these elements only.
        MissingExtraError
            A package is not installed, without which each model would fail.
        """
        for package, extra in self.packages.items():
            if find_spec(package) is None:
                raise MissingExtraError(package, extra)
        found = {name: _as_atoms(system) for name, system in self.systems(size, elements).items()}
        if not found:
            raise InputError(
                f"The {size} set of {self.name} has no system of {', '.join(elements or ())} alone. Give other "
                "elements, or a larger set."
            )
        return found


def _as_atoms(system: Any) -> Any:
    """Return a structure or molecule of pymatgen as Atoms, and anything else as it is."""
    return system.to_ase_atoms(msonable=False) if hasattr(system, "to_ase_atoms") else system
