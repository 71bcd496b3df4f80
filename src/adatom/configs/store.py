"""Stores: files of very many structures, in columns."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from adatom.configs.collector import made_in_runs
from adatom.errors import InputError, MissingExtraError, StorageError

if TYPE_CHECKING:
    from ase import Atoms

    from adatom.configs.blocks import Block, Parts

__all__ = ["SUFFIX", "StoreReader", "StoreWriter"]

SUFFIX = ".lmdb"
_LOCK = "-lock"  # ending that LMDB adds to the name for its lock file
_VERSION_KEY, _VERSION = b"adatom", b"2"
_STRUCTURES = 1000  # structures that fill a block
_ATOMS = 50_000  # atoms that fill a block
_TOGETHER = 512  # structures made at a time; in longer runs some have left the processor's cache before their use
_MAGIC = 0xBEEFC0DE  # with which the files of LMDB begin, after 16 bytes
_OPEN = threading.Lock()  # LMDB does not let a process open a file twice


class StoreWriter:
    """Writer that adds structures at the end of a store, which is made if it does not exist.

    If the process is killed, the structures that it has written stay intact, and more can be added later. While the
    store is written, a file whose name ends with ``-lock`` is beside it.

    Parameters
    ----------
    path
        Path of the store; its name ends with ``.lmdb``.

    Raises
    ------
    InputError
        The name ends with something else, or the file is no store of structures.
    MissingExtraError
        The package lmdb is not installed.
    StorageError
        The file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if self.path.suffix != SUFFIX:
            raise InputError(f"{self.path}: a store of structures has a name that ends with {SUFFIX}.")
        self._waiting: list[tuple[Atoms, Parts]] = []
        self._atoms = 0
        with _opened(self.path, write=True) as environment, environment.begin(write=True) as transaction:
            found = transaction.get(_VERSION_KEY)
            if found is None and environment.stat()["entries"]:
                raise _foreign(self.path)
            _check_version(self.path, found or _VERSION)
            transaction.put(_VERSION_KEY, _VERSION)

    def append(self, structures: Iterable[Atoms]) -> None:
        """Add structures. They are safely in the file after `flush`, or when a thousand structures are waiting.

        Structures that cannot be stored are left out, and an error names the first when all others are added.

        Parameters
        ----------
        structures
            Structures to store, with their arrays, `info` and constraints, and with the results of their calculators
            where these belong to the structure. They must not be changed before `flush`.

        Raises
        ------
        InputError
            A value that is attached to a structure cannot be stored.
        StorageError
            The file cannot be written.
        """
        from adatom.configs.blocks import parts_of

        refused: list[tuple[int, InputError]] = []
        for number, atoms in enumerate(structures):
            try:
                self._waiting.append((atoms, parts_of(atoms)))
            except InputError as error:
                refused.append((number, error))
                continue
            self._atoms += len(atoms)
            if len(self._waiting) >= _STRUCTURES or self._atoms >= _ATOMS:
                self.flush()
        if refused:
            number, first = refused[0]
            more = f" {len(refused) - 1} more cannot be stored." if len(refused) > 1 else ""
            raise InputError(f"Structure {number} of those given: {first} The others are stored.{more}") from first

    def flush(self) -> None:
        """Write the structures that are waiting, either all or none of them.

        Raises
        ------
        StorageError
            The file cannot be written.
        """
        from adatom.configs.blocks import encode

        waiting, self._waiting, self._atoms = self._waiting, [], 0
        if not waiting:
            return
        data = encode([atoms for atoms, _ in waiting], [parts for _, parts in waiting])
        opened = _opened(self.path, write=True, more=len(data))
        with opened as environment, environment.begin(write=True) as transaction:
            transaction.put(_key(_count(transaction)), len(waiting).to_bytes(8, "little") + data)

    def close(self) -> None:
        """Write the structures that are waiting, and remove the lock file."""
        try:
            self.flush()
        finally:
            Path(f"{self.path}{_LOCK}").unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class StoreReader:
    """Structures of a store. At most a few thousand of them are in memory at a time.

    Parameters
    ----------
    path
        File that `StoreWriter` wrote.

    Raises
    ------
    InputError
        The file is no store of structures.
    MissingExtraError
        The package lmdb is not installed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _opened(path) as environment, environment.begin() as transaction:
            _check_version(path, transaction.get(_VERSION_KEY))

    def __len__(self) -> int:
        with _opened(self.path) as environment, environment.begin() as transaction:
            return _count(transaction)

    def __iter__(self) -> Iterator[Atoms]:
        start, length = 0, len(self)
        while start < length:
            block = self._read(start)[1]
            yield from made_in_runs(block, _TOGETHER)
            start += len(block)

    def pick(self, numbers: Sequence[int]) -> Iterator[Atoms]:
        """Yield some of the structures.

        Parameters
        ----------
        numbers
            Indices of the structures, in this order.
        """
        recent: deque[tuple[int, Block]] = deque(maxlen=4)
        for number in numbers:
            for start, block in recent:
                if start <= number < start + len(block):
                    break
            else:
                start, block = self._read(number)
                recent.appendleft((start, block))
            yield block[number - start]

    def _read(self, number: int) -> tuple[int, Block]:
        """Return the number of the first structure in the block that holds a structure, and the block."""
        from adatom.configs.blocks import Block

        with _opened(self.path) as environment, environment.begin() as transaction, transaction.cursor() as cursor:
            key = _key(number)
            if not (cursor.set_range(key) and cursor.key() == key):
                cursor.prev()  # also from behind the last key
            start, data = int.from_bytes(cursor.key()[1:], "big"), cursor.value()
        try:
            return start, Block(data[8:])
        except StorageError as error:
            raise StorageError(f"{self.path}, structures from {start} on: {error}") from error


@contextmanager
def _opened(path: Path, *, write: bool = False, more: int = 0) -> Iterator[Any]:
    """Open a store for one block, so that the file may grow, be replaced, or be written by this process in between.

    Yields
    ------
    Environment
        LMDB's object for the open file.
    """
    try:
        import lmdb
    except ImportError as error:
        raise MissingExtraError("lmdb", "configs") from error
    size = path.stat().st_size if path.exists() else 0
    options: dict[str, Any] = {"subdir": False, "max_dbs": 0}
    if write:
        options |= {"map_size": 2 * size + 4 * more + (1 << 20), "metasync": False}
    else:
        options |= {"readonly": True, "lock": os.path.exists(f"{path}{_LOCK}"), "readahead": True}
    with _OPEN:
        try:
            environment = lmdb.open(str(path), **options)
        except lmdb.InvalidError as error:
            if _is_begun(path):
                raise StorageError(f"{path} was cut: it has {size} bytes. Copy it again, or write it again.") from error
            raise _foreign(path) from error
        except lmdb.Error as error:
            raise StorageError(f"{path} cannot be {'written' if write else 'read'}: {error}.") from error
        try:
            _check_size(path, environment)
            yield environment
        except lmdb.Error as error:
            raise StorageError(f"{path} cannot be {'written' if write else 'read'}: {error}.") from error
        finally:
            environment.close()


def _is_begun(path: Path) -> bool:
    """Return True if a file is none of LMDB's, but begins like one."""
    with path.open("rb") as file:
        return file.read(20)[16:] == _MAGIC.to_bytes(4, sys.byteorder)


def _check_size(path: Path, environment: Any) -> None:
    """Refuse a store of which the end is missing: to read there would end the process by SIGBUS."""
    whole = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    size = path.stat().st_size
    if 0 < size < whole:
        raise StorageError(f"{path} was cut: it has {size} of {whole} bytes. Copy it again, or write it again.")


def _check_version(path: Path, found: bytes | None) -> None:
    if found is None:
        raise _foreign(path)
    if found != _VERSION:
        raise InputError(f"{path} is a store of version {found.decode()}. This adatom reads {_VERSION.decode()}.")


def _foreign(path: Path) -> InputError:
    return InputError(f"{path} is no store of structures.")


def _key(number: int) -> bytes:
    """Return the key of the block that begins with a structure. Keys sort like the numbers, after the version key."""
    return b"n" + number.to_bytes(8, "big")


def _count(transaction: Any) -> int:
    with transaction.cursor() as cursor:
        cursor.last()
        key, value = cursor.item()
        if not key.startswith(b"n"):
            return 0
        return int.from_bytes(key[1:], "big") + int.from_bytes(value[:8], "little")
