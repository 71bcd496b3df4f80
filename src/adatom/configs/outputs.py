"""`OutputSpec`: destination of the outputs of an operation."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from adatom.errors import InputError
from adatom.utils.keywords import named_arguments

__all__ = ["OutputSpec"]


@named_arguments
class OutputSpec:
    """Destination of the outputs of an operation: memory, one file, or a file for each group of the inputs.

    A file has its name only when it is complete. Until then the outputs that are done are in ``NAME.partial``, and
    ``NAME.journal`` beside it records the operation and the structures that are done. If the operation is run again, it
    goes on from there, and does nothing if all structures are done. The journal stays, as a record of how the file was
    made.

    An `OutputSpec` is not changed by its use, and may be used again.

    Parameters
    ----------
    files
        None: the outputs are kept in memory. A name: one file, regardless of the groups of the inputs. A list of names:
        a file for each group of the inputs. The format follows from the name, by ASE's rules.
    file_root
        Directory that relative names start from, which is made if necessary; None: the current directory.
    overwrite
        True if files may be replaced that something else has made, or the same operation from other inputs.
    write_kwargs
        Arguments of `ase.io.write`, such as ``format``; None: no arguments.
    tags
        Entries that are added to `Atoms.info` of each output, also in memory; None: no entries.

    Raises
    ------
    InputError
        A name is given twice, or is that of a directory.
    """

    def __init__(
        self,
        files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
        *,
        file_root: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        write_kwargs: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> None:
        self.single = isinstance(files, str | os.PathLike)
        names = [files] if isinstance(files, str | os.PathLike) else files or []
        self.files = tuple(Path(file_root or "", name).expanduser() for name in names)
        self.memory = files is None
        self.overwrite, self.write_kwargs, self.tags = overwrite, dict(write_kwargs or {}), dict(tags or {})
        for place, file in enumerate(self.files):
            if file in self.files[:place]:
                raise InputError(f"The output file {str(file)!r} is given twice.")
            if file.is_dir():
                raise InputError(f"The output {str(file)!r} is a directory. Give the name of a file in it.")

    def __repr__(self) -> str:
        names = "memory" if self.memory else ", ".join(map(str, self.files[:3])) + (", ..." * (len(self.files) > 3))
        return f"<OutputSpec: {names}>"
