"""A certificate with which the processes of one Dask cluster know each other."""

from __future__ import annotations

from distributed import Security

from adatom.errors import MissingExtraError

__all__ = ["temporary_security"]


def temporary_security() -> Security:
    """Return Dask's security with a certificate of this run; without, who reaches a port of Dask's can run code.

    Raises
    ------
    MissingExtraError
        The package that makes certificates is not installed.
    """
    try:
        return Security.temporary()
    except ImportError as error:
        raise MissingExtraError("cryptography", "dask") from error
