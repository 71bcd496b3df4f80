"""A file of very many structures, in columns."""

from __future__ import annotations

import os
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

    from adatom.configs.blocks import Block

__all__ = ["SUFFIX", "StoreReader", "StoreWriter"]

SUFFIX = ".lmdb"
_LOCK = "-lock"  # what LMDB adds to the name
_VERSION_KEY, _VERSION = b"adatom", b"2"
_STRUCTURES = 1000  # in a block
_ATOMS = 50_000
_TOGETHER = 512  # structures are made; of more, parts are no longer in the processor's cache when they are used
_OPEN = threading.Lock()  # LMDB does not let a process open a file twice


class StoreWriter:
    """Structures are added at the end of a file, which is made if it is not there.

    What a process that was killed had written stays whole, and can be added to. While it is written, a file ``-lock``
    lies beside it.

    Parameters
    ----------
    path
        The file; its name ends with ``.lmdb``.

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
        self._waiting: list[Atoms] = []
        self._atoms = 0
        with _opened(self.path, write=True) as environment, environment.begin(write=True) as transaction:
            found = transaction.get(_VERSION_KEY)
            if found is None and environment.stat()["entries"]:
                raise _foreign(self.path)
            _check_version(self.path, found or _VERSION)
            transaction.put(_VERSION_KEY, _VERSION)

    def append(self, structures: Iterable[Atoms]) -> None:
        """Add structures. They are in the file, for good, after `flush`, or when the next thousand have come.

        Parameters
        ----------
        structures
            With what is attached to them, and the results of their calculators as far as these belong to them. They
            must not be changed before `flush`.

        Raises
        ------
        InputError
            Something is attached to one that cannot be stored.
        StorageError
            The file cannot be written.
        """
        for atoms in structures:
            self._waiting.append(atoms)
            self._atoms += len(atoms)
            if len(self._waiting) >= _STRUCTURES or self._atoms >= _ATOMS:
                self.flush()

    def flush(self) -> None:
        """Write what was added so far, all or nothing of it.

        Raises
        ------
        InputError
            Something is attached to a structure that cannot be stored.
        StorageError
            The file cannot be written.
        """
        from adatom.configs.blocks import encode

        waiting, self._waiting, self._atoms = self._waiting, [], 0
        if not waiting:
            return
        data = encode(waiting)
        opened = _opened(self.path, write=True, more=len(data))
        with opened as environment, environment.begin(write=True) as transaction:
            transaction.put(_key(_count(transaction)), len(waiting).to_bytes(8, "little") + data)

    def close(self) -> None:
        """Write what was added so far; the lock is removed."""
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
    """The structures in a file that `StoreWriter` wrote. No more than a few thousand are in memory.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        It is no store of structures.
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
        """Some of them.

        Parameters
        ----------
        numbers
            Which, in this order.
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
        """The block that a structure is in, and the number of its first."""
        from adatom.configs.blocks import Block

        with _opened(self.path) as environment, environment.begin() as transaction, transaction.cursor() as cursor:
            key = _key(number)
            if not (cursor.set_range(key) and cursor.key() == key):
                cursor.prev()  # from behind the last one, too
            start, data = int.from_bytes(cursor.key()[1:], "big"), cursor.value()
        try:
            return start, Block(data[8:])
        except StorageError as error:
            raise StorageError(f"{self.path}, structures from {start} on: {error}") from error


@contextmanager
def _opened(path: Path, *, write: bool = False, more: int = 0) -> Iterator[Any]:
    """The file as LMDB has it. It is opened for each block: so it may grow, be replaced, or be written by this process.

    Yields
    ------
    Environment
        Of LMDB.
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
            raise _foreign(path) from error
        except lmdb.Error as error:
            raise StorageError(f"{path} cannot be {'written' if write else 'read'}: {error}.") from error
        try:
            yield environment
        except lmdb.Error as error:
            raise StorageError(f"{path} cannot be {'written' if write else 'read'}: {error}.") from error
        finally:
            environment.close()


def _check_version(path: Path, found: bytes | None) -> None:
    if found is None:
        raise _foreign(path)
    if found != _VERSION:
        raise InputError(f"{path} is a store of version {found.decode()}. This adatom reads {_VERSION.decode()}.")


def _foreign(path: Path) -> InputError:
    return InputError(f"{path} is no store of structures.")


def _key(number: int) -> bytes:
    """Keys are ordered as the numbers are, and after that of the version."""
    return b"n" + number.to_bytes(8, "big")


def _count(transaction: Any) -> int:
    with transaction.cursor() as cursor:
        cursor.last()
        key, value = cursor.item()
        if not key.startswith(b"n"):
            return 0
        return int.from_bytes(key[1:], "big") + int.from_bytes(value[:8], "little")
