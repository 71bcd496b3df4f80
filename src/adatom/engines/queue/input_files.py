"""Files that jobs on a host read, and that are copied there when they have changed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from adatom.engines.queue.far_end import INPUTS
from adatom.errors import InputError

__all__ = ["InputFiles"]


class InputFiles:
    """Files and directories of this machine that are copied to a host.

    Parameters
    ----------
    names
        Paths, which may begin with ``~``.

    Raises
    ------
    InputError
        A file does not exist.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._given = [Path(os.path.abspath(os.path.expanduser(name))) for name in names]
        if gone := [path for path in self._given if not path.exists()]:
            raise InputError(f"input_files: there is no {gone[0]}. Give files and directories of this machine.")

    def __bool__(self) -> bool:
        return bool(self._given)

    def changed(self, known: Mapping[str, Sequence[int]]) -> dict[str, bytes]:
        """Return the files that are not known, with the file that tells of all: nothing, if there are none.

        Parameters
        ----------
        known
            Size and time of the last change of files that are there, by their paths here.
        """
        paths = [path for given in self._given for path in (given, *given.rglob("*")) if path.is_file()]
        marks = {f"{path}": [(status := path.stat()).st_size, status.st_mtime_ns] for path in paths}
        if marks.items() <= known.items():
            return {}
        changed = {f"results{path}": Path(path).read_bytes() for path in marks if marks[path] != known.get(path)}
        return {**changed, INPUTS: json.dumps({**known, **marks}).encode()}
