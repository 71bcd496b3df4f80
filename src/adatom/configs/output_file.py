"""Output file of an operation, which has another name until it is complete, and a journal beside it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from io import RawIOBase
from itertools import islice
from pathlib import Path
from typing import Any
from zlib import crc32

from ase import Atoms

from adatom.cache.canonical import digest
from adatom.configs.blocks import check_storable
from adatom.configs.configset import ConfigSet
from adatom.configs.extxyz_writer import check_options, frame_text
from adatom.configs.frames import COMPRESSED, Frames
from adatom.configs.groups import GroupNames, can_name
from adatom.configs.journal import Entry, Record, intact, journal_of, pack_lines, read_journal
from adatom.configs.operation import Shape, count_structures
from adatom.configs.partial_file import converted, packed, private, unpacked, write_all
from adatom.configs.tree import Shapes, regroup
from adatom.configs.writing import check_holds, output_format
from adatom.errors import InputError, StorageError
from adatom.utils.sealed import file_checksum

__all__ = ["OutputFile"]


class OutputFile:
    """Output file of an operation.

    Parameters
    ----------
    path
        Path of the file when it is complete.
    operation
        Texts that identify the operation, by name; equal operations have equal texts.
    write_kwargs
        Arguments of `ase.io.write`, among them ``format``.
    overwrite
        True if files that something else has made may be replaced.

    Attributes
    ----------
    entries
        Items that an earlier run has done, as the journal records them.
    kind
        Format of the file, as ASE knows it; None: the file is a store.
    complete
        Content of the journal's last line; None if the file is not complete.
    names_groups
        True if structures in the file can name the groups that they belong to.

    Raises
    ------
    InputError
        Something else has made the file or the partial file, and they may not be replaced.
    StorageError
        The file cannot be written.
    """

    def __init__(
        self, path: Path, operation: Mapping[str, str], write_kwargs: Mapping[str, Any], overwrite: bool
    ) -> None:
        self.path, self._operation, self._overwrite = path, dict(operation), overwrite
        self._partial, self._journal = path.with_name(path.name + ".partial"), journal_of(path)
        self.kind = output_format(path, write_kwargs)
        self._read_kwargs = {"format": self.kind.name} if self.kind else None
        self._write_kwargs = {key: value for key, value in write_kwargs.items() if key != "format"}
        self.names_groups = can_name(self.kind, self._write_kwargs)
        self.is_text = self.kind is not None and self.kind.name == "extxyz" and path.suffix not in COMPRESSED
        self.entries: list[Entry] = []
        self.complete: dict[str, Any] | None = None
        self._log: RawIOBase | None = None  # not buffered: data that a full disk refuses must not be written later
        self._data: RawIOBase | None = None
        self.shapes = Shapes()  # of the items that are done
        self.failed: dict[int, str] = {}
        self._take_up(read_journal(self._journal))

    @property
    def count(self) -> int:
        """Number of items that are done."""
        return len(self.shapes)

    @property
    def text_kwargs(self) -> dict[str, Any] | None:
        """Arguments of the writer of extended XYZ; None if the file is not written as such."""
        return self._write_kwargs if self.is_text else None

    @property
    def check(self) -> Callable[[Atoms], Any] | None:
        """Function that raises an exception for a structure that the file does not hold; None: there is none."""
        if self.kind is None:
            return check_storable
        return partial(frame_text, options=self._write_kwargs) if self.kind.name == "extxyz" else None

    def check_holds(self, sample: Atoms | None) -> None:
        """Refuse a format that does not hold everything that is attached to a structure.

        Parameters
        ----------
        sample
            Structure with `info` and arrays like those of the outputs, which is written and read again; None: these
            are not known.

        Raises
        ------
        InputError
            A key of `info` or an array is missing in the structure that is read again, or arguments of the writer are
            not valid.
        """
        if self.kind is not None and self.kind.name == "extxyz":
            check_options(self._write_kwargs)
        if sample is not None:
            check_holds(self.path, self.kind, self._write_kwargs, sample)

    def _take_up(self, record: Record) -> None:
        """Go on from an earlier run; refuse a file or a partial file that something else has made."""
        if record.complete and self.is_text and not self.path.exists() and self._partial.exists():
            os.replace(self._partial, self.path)  # the run ended between journal and rename
        conflict = self._conflict(record)
        if conflict is not None:
            self._refuse(conflict)
        elif self.path.exists():
            self.complete = record.complete
        if record.operation == self._operation:
            self.entries = self._whole_entries(record.entries)

    def _conflict(self, record: Record) -> str | None:
        """Return the reason why a file or a partial file is not of this operation; None: there is no reason."""
        differences = self._differences(record.operation or {})
        if self.path.exists():
            if not record.complete or record.complete["size"] != self.path.stat().st_size:
                return f"There is a file {str(self.path)!r} already, which was not made like this"
            if record.complete["checksum"] != file_checksum(self.path):
                return f"{str(self.path)!r} was changed since it was made, or is damaged"
            if differences:
                return f"{str(self.path)!r} was made by another operation, which differs in {differences}"
        elif differences and record.operation is not None and self._partial.exists():
            return f"{str(self._partial)!r} is what an operation has left that differs in {differences}"
        return None

    def _differences(self, made_by: Mapping[str, str]) -> str:
        names = [name for name in {**made_by, **self._operation} if made_by.get(name) != self._operation.get(name)]
        return ", ".join(names)

    def _whole_entries(self, entries: list[Entry]) -> list[Entry]:
        """Return the entries whose outputs are in the file, or else in the partial file."""
        if self.complete and not self.is_text:
            return entries
        return intact(self.path if self.complete else self._partial, entries)

    def _refuse(self, what: str) -> None:
        if not self._overwrite:
            raise InputError(f"{what}. Give another name, remove it, or say OutputSpec(..., overwrite=True).")

    def is_made_of(self, inputs: Any) -> bool:
        """Return True if the file is complete and the inputs are known to be the same, without reading them.

        Parameters
        ----------
        inputs
            Description of the inputs by `files_of`; None if they are not all in files.
        """
        if self.complete is None or inputs is None or self.complete["inputs"] != inputs:
            return False
        for entry in self.entries:
            self._note(entry)
        return True

    def unfinished(self, items: Iterator[tuple[Any, bytes]]) -> Iterator[tuple[Any, bytes]]:
        """Yield the items that are not done, from the first that has changed on, each with its digest.

        Parameters
        ----------
        items
            All items, each with its digest.

        Raises
        ------
        InputError
            The file is complete, was made of other items, and may not be replaced.
        """
        seen: list[tuple[Any, bytes]] = []
        known, self.entries = self.entries, []
        for entry in known:
            seen = list(islice(items, entry.count))
            if len(seen) < entry.count or digest(b"".join(mark for _, mark in seen)) != entry.digest:
                break
            self._note(entry)
            self.entries.append(entry)
            seen = []
        if self.complete is not None:
            seen = seen or list(islice(items, 1))
            if not seen and len(self.entries) == len(known):
                return
            self._refuse(f"{str(self.path)!r} was made of other inputs, which differ from structure {self.count} on")
            self._reopen()
        self._open()
        yield from seen
        yield from items

    def _reopen(self) -> None:
        """Copy the outputs that are done to the partial file; the file itself stays until the new one is complete."""
        self.complete = None
        if self.is_text:
            shutil.copyfile(self.path, self._partial)
            return
        structures, checksum = iter(Frames(self.path, self._read_kwargs)), 0
        with open(self._partial, "wb", opener=private) as file:
            for entry in self.entries:
                data = packed(list(islice(structures, count_structures(entry.all_shapes))))
                file.write(data)
                entry.end, entry.checksum = file.tell(), (checksum := crc32(data, checksum))

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._data = open(self._partial, "ab", 0, opener=None if self.is_text else private)  # noqa: SIM115
            try:
                fcntl.flock(self._data, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StorageError(f"Another process is writing {str(self.path)!r}. Wait for it, or end it.") from None
            end, self._checksum = (self.entries[-1].end, self.entries[-1].checksum) if self.entries else (0, 0)
            if os.fstat(self._data.fileno()).st_size < end:
                raise StorageError(f"Another process has written {str(self.path)!r} meanwhile. Run it again.")
            self._data.truncate(end)
            lines = [{"operation": self._operation}, *(entry.line() for entry in self.entries)]
            new = self._journal.with_name(f".new-{self._journal.name}")
            new.write_bytes(pack_lines(lines))
            os.replace(new, self._journal)  # so that a complete journal is there at any time
            self._log = self._journal.open("ab", buffering=0)
        except OSError as error:
            raise _cannot(self.path, error) from error

    def write(
        self, digests: Sequence[bytes], shapes: Sequence[Shape], output: Sequence[Any], failed: Mapping[int, str]
    ) -> None:
        """Add the outputs of some items.

        Parameters
        ----------
        digests
            Hashes of the items, in order.
        shapes
            Shape of each item's output.
        output
            Text of each item's output or, if the file is not extended XYZ, the structures of all items.
        failed
            Cause of failure of each failed item, by its place among these items.

        Raises
        ------
        StorageError
            The disk is full, or cannot be written for another reason.
        """
        assert self._data is not None
        assert self._log is not None
        try:
            data = b"".join(output) if self.is_text else packed(output)
            write_all(self._data, data)
            self._checksum = crc32(data, self._checksum)
            odd, end = [] if all(shape is None for shape in shapes) else list(shapes), self._data.tell()
            entry = Entry(len(shapes), end, digest(b"".join(digests)), self._checksum, odd, dict(failed))
            write_all(self._log, pack_lines([entry.line()]))
        except OSError as error:
            raise _cannot(self.path, error) from error
        self._note(entry)

    def _note(self, entry: Entry) -> None:
        self.failed |= {self.count + place: why for place, why in entry.failed.items()}
        self.shapes.add(entry.all_shapes)

    def finish(self, tokens: list[int | str], inputs: Any) -> ConfigSet:
        """Complete the file and give it its name, when all items are done.

        Parameters
        ----------
        tokens
            Groups of the items, as a `Tree` records them.
        inputs
            Description of the inputs by `files_of`, for the journal.

        Returns
        -------
        ConfigSet
            Structures of the file, in their groups.
        """
        if self.complete is not None:
            return self._regrouped(self.complete["tree"])
        assert self._data is not None
        assert self._log is not None
        try:
            names = GroupNames(tokens).of_structures(self.shapes) if self.names_groups else None
            whole = (
                self._partial
                if self.is_text
                else converted(self._partial, self.path, self.kind, names, self._write_kwargs)
            )
            ended = {"size": whole.stat().st_size, "checksum": file_checksum(whole), "inputs": inputs, "tree": tokens}
            write_all(self._log, pack_lines([{"complete": ended}]))
            os.replace(whole, self.path)
            if not self.is_text:
                self._partial.unlink()
        except OSError as error:
            raise _cannot(self.path, error) from error
        self.close()
        return self._regrouped(tokens)

    def so_far(self, tokens: list[int | str]) -> ConfigSet:
        """Return the outputs that are done, also if the file is not complete.

        Parameters
        ----------
        tokens
            Groups of the items, as a `Tree` records them.
        """
        if self.complete is not None:
            return self._regrouped(self.complete["tree"])
        if not self.is_text:
            structures = list(unpacked(self._partial))
            return regroup(tokens, self.shapes, lambda numbers: structures[numbers.start : numbers.stop])
        return self._in(self._partial, tokens)

    def _regrouped(self, tokens: list[int | str]) -> ConfigSet:
        if self.shapes.plain and self.shapes.structures and len(tokens) == 1:
            return ConfigSet(self.path, read_kwargs=self._read_kwargs)
        return self._in(self.path, tokens)

    def _in(self, path: Path, tokens: list[int | str]) -> ConfigSet:
        frames = partial(Frames, path, self._read_kwargs)  # made when needed, as an empty file has no format
        return regroup(tokens, self.shapes, lambda numbers: [frames().take(numbers)])

    def close(self) -> None:
        """Close the files; a later run can go on with them."""
        for file in (self._data, self._log):
            if file is not None:
                file.close()


def _cannot(path: Path, error: OSError) -> StorageError:
    if isinstance(error, StorageError):
        return error
    return StorageError(f"{str(path)!r} cannot be written: {error.strerror or error}. What is done is kept.")
