"""The error of a value without a canonical text, and the hash of one with it."""

from __future__ import annotations

from hashlib import blake2b

from adatom.errors import AdatomError

__all__ = ["UnhashableError", "digest"]


class UnhashableError(AdatomError, TypeError):
    """A value without a canonical text.

    Parameters
    ----------
    where
        Name of the argument, or of the global or attribute, with the path to the piece inside it, such as
        ``"options['a'][1]"``.
    why
        Reason, worded to follow `where` in the message.
    """

    def __init__(self, where: str, why: str) -> None:
        super().__init__(where, why)
        self.where, self.why = where, why

    def __str__(self) -> str:
        return f"{self.where}, {self.why}"


def digest(data: bytes | str | memoryview) -> str:
    """Return a hash of bytes or text: 32 hexadecimal digits.

    Parameters
    ----------
    data
        Bytes, or text, which is hashed as UTF-8.
    """
    return blake2b(data.encode(errors="surrogatepass") if isinstance(data, str) else data, digest_size=16).hexdigest()
