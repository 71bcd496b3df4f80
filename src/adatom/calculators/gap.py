"""quippy's calculator of a GAP, from a file that may be compressed.

The file needs nothing of adatom: a Python that has none of it may run it.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

from quippy.potential import Potential

__all__ = ["gap"]


def gap(param_filename: str, **kwargs: Any) -> Any:
    """Return the calculator of a GAP.

    Parameters
    ----------
    param_filename
        File of the potential in the XML of gap_fit, or the same compressed by gzip.
    **kwargs
        Further arguments of quippy's calculator.
    """
    file = Path(param_filename)
    source = {"param_str": gzip.decompress(file.read_bytes()).decode()} if file.suffix == ".gz" else {}
    made = Potential(**(source or {"param_filename": str(file)}), **kwargs)
    made.name_ = "gap"  # which quippy forgets, and ASE's trajectories want
    return made
