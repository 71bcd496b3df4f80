"""The command line of `benchmarks/routes.py`."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .page import page, table


def run(arguments: Sequence[str], fields: Mapping[str, Any], path: Path, about: str | None = None) -> int:
    """Compute all fields and write the page, or compute and print those that are named; return the exit status.

    A field has a `TITLE` and `ROWS`.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("fields", nargs="*", metavar="FIELD", help=f"one of: {', '.join(fields)}")
    asked = parser.parse_args(arguments).fields
    for name in asked:
        if name not in fields:
            parser.error(f"There is no field {name!r}. Valid: {', '.join(fields)}.")

    found = {}
    for name in asked or fields:
        print(f"{fields[name].TITLE} ...", file=sys.stderr, flush=True)
        found[name] = (fields[name].TITLE, [row.compare() for row in fields[name].ROWS])
    if asked:
        print("\n".join(table(rows) for _, rows in found.values()))
    else:
        path.write_text(page(found))
    wrong = [each for _, rows in found.values() for each in rows if not each.agrees]
    for each in wrong:
        print(each, file=sys.stderr)
    return int(bool(wrong))
