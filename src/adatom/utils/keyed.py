"""Pickles in files are signed with a key of their owner: one that was copied here from elsewhere is not read."""

from __future__ import annotations

import hmac
import os
import secrets
import shlex
import warnings
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from platformdirs import user_state_path

from adatom.errors import StorageError
from adatom.utils.private import make_directory, open_file
from adatom.utils.trust import open_trusted

__all__ = ["key_in", "pickle_key", "signed", "verified"]

_BYTES = 32  # of a key
_TAG = 16  # bytes of a signature


def signed(data: bytes, key: bytes) -> bytes:
    """Return data with a signature in front, for `verified`.

    Parameters
    ----------
    data
        Data to sign.
    key
        Key that `pickle_key` returned.
    """
    return _tag(data, key) + data


def verified(data: bytes, key: bytes) -> bytes:
    """Return data without the signature in front.

    Parameters
    ----------
    data
        Data that `signed` returned.
    key
        Key that `pickle_key` returned.

    Raises
    ------
    StorageError
        The data were changed, or signed with another key.
    """
    if not hmac.compare_digest(_tag(data[_TAG:], key), data[:_TAG]):
        raise StorageError(
            "it is damaged, or was pickled under another key, as by another account or on another machine. If you "
            "trust it, name the file of that key in ADATOM_KEY_FILE"
        )
    return data[_TAG:]


def _tag(data: bytes, key: bytes) -> bytes:
    return blake2b(data, digest_size=_TAG, key=key).digest()


def pickle_key(told: Path | None, shared: Path | str = "", gid: int | None = None) -> bytes:
    """Return the key that signs pickles: the user's own, or that of a group. The first use makes it.

    Parameters
    ----------
    told
        File of the key, as the setting ``key_file`` gives it; None: it has the usual place.
    shared
        Directory of files that a group shares, in which the key of the group is, too.
    gid
        Id of the group. None: the files are the user's.

    Raises
    ------
    StorageError
        Others can read or write the file of the key, or there is no key in it.
    """
    if told is not None:
        return _key(told.expanduser(), gid)
    return _key(user_state_path("adatom") / "pickle.key" if gid is None else Path(shared, ".pickle.key"), gid)


def key_in(path: Path, gid: int | None = None) -> bytes:
    """Return the key in a file. The first use makes it.

    Parameters
    ----------
    path
        File of the key.
    gid
        Id of the group that shares the key. None: it is the user's.

    Raises
    ------
    StorageError
        Others can read or write the file, or there is no key in it.
    OSError
        The file cannot be made.
    """
    with suppress(FileNotFoundError):
        return _read(path, gid)
    _make(path, gid)
    return _read(path, gid)


@lru_cache(maxsize=16)
def _key(path: Path, gid: int | None) -> bytes:
    try:
        return key_in(path, gid)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        warnings.warn(
            f"No key can be kept in {path} ({error.strerror}), so no other process will read what this one pickles "
            "into the cache and the journal. Name a file that can be written in ADATOM_KEY_FILE.",
            stacklevel=4,
        )
        return secrets.token_bytes(_BYTES)


def _read(path: Path, gid: int | None) -> bytes:
    try:
        with open_trusted(path, gid, own_directory=False) as file:
            key, mode = file.read(2 * _BYTES), os.fstat(file.fileno()).st_mode
    except (StorageError, FileNotFoundError):
        raise
    except OSError as error:
        raise StorageError(
            f"The key {path} cannot be read: {error.strerror}. Name another file in ADATOM_KEY_FILE."
        ) from error
    if len(key) != _BYTES:
        raise StorageError(f"{path} is no key of adatom. Name another file in ADATOM_KEY_FILE.")
    if mode & (0o007 if gid is not None else 0o077):
        raise StorageError(f"Others can read the key {path}. Mend it with: chmod go= {shlex.quote(str(path))}")
    return key


def _make(path: Path, gid: int | None) -> None:
    """Make a key that appears whole, once, whichever of several processes is the first."""
    make_directory(path.parent, gid)
    new = path.with_name(f".new-{path.name}-{secrets.token_hex(4)}")
    try:
        with open(open_file(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, gid), "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        with suppress(FileExistsError):
            os.link(new, path)
    finally:
        new.unlink(missing_ok=True)
