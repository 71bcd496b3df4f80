"""The page of the documentation."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from .row import Comparison

HEAD = """\
# Checked against independent routes

```bash
python benchmarks/routes.py
```

The script computes each of {number} numbers twice: by adatom, as a user calls it, and by a route without adatom. It
writes this page, and ends with status 1 if two numbers differ by more than is allowed. A name, as in
`python benchmarks/routes.py elasticity`, computes one field and prints it; the names are
{names}.
The deep tests compare all rows, and every test run some of each field. This page was made with Python {python} and
{packages}.

- *Differs by* is the difference, and in brackets the largest that is allowed: in parts of the independent number or,
  where a unit follows, in this unit. What is allowed covers the errors of the routes: steps of differences,
  displacements of atoms, lengths of trajectories. Counts are equal.
- A measured number checks the recipe as a whole. Its row allows for the error that the method is known to have.
- EMT and the Lennard-Jones potential describe the elements only roughly; here it counts that the numbers are equal.
"""
PACKAGES = {"ase": "ASE", "phonopy": "phonopy", "pymatgen": "pymatgen", "spglib": "spglib", "tblite": "tblite"}
SMALLEST = 1e-9  # below it, differences are those of rounding


def page(fields: Mapping[str, tuple[str, Sequence[Comparison]]]) -> str:
    """The text of the page, of the title and the rows of each field by its name."""
    packages = [f"{shown} {version(name)}" for name, shown in PACKAGES.items()]
    head = HEAD.format(
        names=_listed([f"`{name}`" for name in fields]),
        number=sum(len(rows) for _, rows in fields.values()),
        python=platform.python_version(),
        packages=_listed(packages),
    )
    return head + "".join(f"\n## {title}\n\n{table(rows)}" for title, rows in fields.values())


def table(rows: Sequence[Comparison]) -> str:
    """A table in Markdown."""
    lines = ["| quantity | adatom | independent | differs by | independent route |", "|---|---|---|---|---|"]
    for found in rows:
        row = found.row
        cells = (
            f"{title(row.name, row.unit)}<br>`{row.recipe}`",
            f"{found.ours:.6g}",
            f"{found.theirs:.6g}",
            _difference(found),
            row.route,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def title(name: str, unit: str) -> str:
    """The name of a row with its unit."""
    return f"{name} ({unit})" if unit else name


def _difference(found: Comparison) -> str:
    if found.row.relative:
        return f"{_rough(found.deviation / abs(found.theirs))} ({found.row.relative:.0e})"
    if found.row.absolute:
        return f"{_rough(found.deviation)} ({found.row.absolute:.0e}) {found.row.unit}".rstrip()
    return f"{found.deviation:g}"


def _rough(value: float) -> str:
    return f"< {SMALLEST:.0e}" if value < SMALLEST else f"{value:.0e}"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
