"""`OutputSpec`: where an operation puts what comes out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from adatom.errors import InputError

__all__ = ["OutputSpec"]


class OutputSpec:
    """Where the structures that an operation gives are to go: to memory, to one file, or to a file for each group.

    A file has its name only when it is complete. Until then what is done is in ``NAME.partial``, and beside it
    ``NAME.journal`` says what was done to which structures: an operation that is run again goes on from there, and does
    nothing where all is done. The journal stays, and tells later by what the file was made.

    It is not changed by its use, and may be used again.

    Parameters
    ----------
    files
        None: memory. A name: one file, whatever the groups of the inputs. A list of names: a file for each group of the
        inputs. The format follows from the name, as ASE tells it.
    file_root
        Directory that relative names start from; it is made if need be.
    overwrite
        Whether files that something else has made, or the same operation of other inputs, may be replaced.
    write_kwargs
        Arguments of `ase.io.write`, such as ``format``.
    tags
        Added to `Atoms.info` of each structure, in memory too.

    Raises
    ------
    InputError
        A name is given twice, or is a directory.
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
