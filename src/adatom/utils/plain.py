"""Encoding of Python and NumPy values as data for JSON, from which they come back with their types.

A value of a type that JSON lacks becomes a dictionary with one key: ``"!"`` and the name of the type. The cache keeps
arrays and objects of registered types in its own ways, and gives the encoder functions that do so; everything else is
the same wherever values are stored.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adatom.errors import InputError

__all__ = ["Decoder", "Encoder", "NotPlainError", "from_plain", "to_plain"]

_SCALARS = frozenset({type(None), bool, int, float, str})
_TEXT = frozenset({str})
_MARK = "!"
_KINDS = "biufcSUMm"  # kinds of NumPy types that their name and their bytes describe in full


class NotPlainError(InputError):
    """A value that cannot be encoded.

    Parameters
    ----------
    value
        Object that was refused, itself or inside of another value.
    """

    def __init__(self, value: Any) -> None:
        super().__init__(value)
        self.value = value

    def __str__(self) -> str:
        return (
            f"{self.value!r} cannot be stored. Valid: numbers, strings, bytes, booleans, None, paths, and arrays, "
            "lists, tuples, sets and dictionaries of these."
        )


def _inline(array: NDArray[Any]) -> Any:
    return [array.dtype.str, array.shape, array.tobytes().hex()]  # read twice as fast as base64


def _from_inline(kept: Any) -> NDArray[Any]:
    dtype, shape, digits = kept
    return np.frombuffer(bytearray.fromhex(digits), dtype).reshape(shape)


class Encoder:
    """Encoder of values as data for JSON.

    Parameters
    ----------
    keep_array
        Function that is given an array of numbers, text or times and returns data for JSON from which `Decoder` can
        read the array. None: the data hold the bytes of the array.
    dump_object
        Function that is given an object of any other type and returns a list that can be encoded; None for an object
        that cannot be stored. None in place of the function: no object can.
    """

    __slots__ = ("dump_object", "keep_array")

    def __init__(
        self,
        keep_array: Callable[[NDArray[Any]], Any] | None = None,
        dump_object: Callable[[Any], list[Any] | None] | None = None,
    ) -> None:
        self.keep_array = keep_array or _inline
        self.dump_object = dump_object

    def encode(self, value: Any) -> Any:
        """Return a value as data for JSON.

        Parameters
        ----------
        value
            Numbers, strings, bytes, booleans, None, paths, objects that `dump_object` knows, and arrays, lists,
            tuples, sets and dictionaries of these.

        Raises
        ------
        NotPlainError
            The value is, or holds, an object of another type.
        """
        kind = type(value)
        if kind in _SCALARS:
            return value
        # Most values in a result are scalars; looking at them in the two loops below saves two calls of three.
        if kind is list:
            return [item if type(item) in _SCALARS else self.encode(item) for item in value]
        if kind is dict and set(map(type, value)) <= _TEXT and not (len(value) == 1 and min(value)[:1] == _MARK):
            return {key: item if type(item) in _SCALARS else self.encode(item) for key, item in value.items()}
        encode = _ENCODERS.get(kind, _encode_object)
        return encode(self, value)


class Decoder:
    """Decoder of what `Encoder` returned.

    Parameters
    ----------
    read_array
        Function that is given what ``keep_array`` returned and returns the array. None: the data hold the bytes.
    load_object
        Function that is given what ``dump_object`` returned and returns the object. None: the data hold no objects.
    """

    __slots__ = ("load_object", "read_array")

    def __init__(
        self,
        read_array: Callable[[Any], NDArray[Any]] | None = None,
        load_object: Callable[[list[Any]], Any] | None = None,
    ) -> None:
        self.read_array = read_array or _from_inline
        self.load_object = load_object

    def decode(self, data: Any) -> Any:
        """Return the value that was encoded.

        Parameters
        ----------
        data
            Data that `Encoder.encode` returned, also after a way through JSON.
        """
        kind = type(data)
        if kind is list:
            return [item if type(item) in _SCALARS else self.decode(item) for item in data]
        if kind is not dict:
            return data
        if len(data) == 1:
            (key,) = data
            if key == "!array":  # the most frequent one
                return self.read_array(data[key])
            if key in _DECODERS:
                return _DECODERS[key](self, data[key])
        return {key: item if type(item) in _SCALARS else self.decode(item) for key, item in data.items()}


def _encode_array(encoder: Encoder, array: NDArray[Any]) -> Any:
    kind = array.dtype.kind
    if kind in _KINDS:
        return {"!array": encoder.keep_array(array)}
    if kind == "O":
        return {"!objects": [array.shape, encoder.encode(array.ravel().tolist())]}
    raise NotPlainError(array)


def _encode_number(encoder: Encoder, number: Any) -> Any:
    array = np.asarray(number)
    if array.dtype.kind not in _KINDS:
        raise NotPlainError(number)
    return {"!scalar": encoder.keep_array(array)}


def _encode_items(encoder: Encoder, items: Any) -> Any:
    return {_OF_ITEMS[type(items)]: [item if type(item) in _SCALARS else encoder.encode(item) for item in items]}


def _encode_pairs(encoder: Encoder, pairs: dict[Any, Any]) -> Any:
    """Encode a dictionary that has keys other than text, or that looks like an encoded value."""
    return {"!dict": [[encoder.encode(key), encoder.encode(item)] for key, item in pairs.items()]}


def _encode_object(encoder: Encoder, value: Any) -> Any:
    held = encoder.dump_object(value) if encoder.dump_object else None
    if held is None:
        raise NotPlainError(value)
    return {"!object": encoder.encode(held)}


_OF_ITEMS: dict[type, str] = {tuple: "!tuple", set: "!set", frozenset: "!frozenset"}
_ENCODERS: dict[type, Callable[[Encoder, Any], Any]] = {
    dict: _encode_pairs,
    **dict.fromkeys(_OF_ITEMS, _encode_items),
    bytes: lambda encoder, value: {"!bytes": encoder.keep_array(np.frombuffer(value, np.uint8))},
    complex: lambda encoder, value: {"!complex": [value.real, value.imag]},
    type(Path()): lambda encoder, value: {"!path": str(value)},
    np.ndarray: _encode_array,
    np.memmap: _encode_array,  # comes back in memory
    **dict.fromkeys(np.sctypeDict.values(), _encode_number),
}


def _decode_objects(decoder: Decoder, held: Any) -> NDArray[Any]:
    shape, items = held
    return np.fromiter(decoder.decode(items), object, len(items)).reshape(shape)


def _decode_object(decoder: Decoder, held: Any) -> Any:
    assert decoder.load_object is not None
    return decoder.load_object(decoder.decode(held))


_DECODERS: dict[str, Callable[[Decoder, Any], Any]] = {
    "!dict": lambda decoder, held: {decoder.decode(key): decoder.decode(item) for key, item in held},
    "!tuple": lambda decoder, held: tuple(decoder.decode(held)),
    "!set": lambda decoder, held: set(decoder.decode(held)),
    "!frozenset": lambda decoder, held: frozenset(decoder.decode(held)),
    "!bytes": lambda decoder, held: decoder.read_array(held).tobytes(),
    "!complex": lambda decoder, held: complex(*held),
    "!path": lambda decoder, held: Path(held),
    "!objects": _decode_objects,
    "!scalar": lambda decoder, held: decoder.read_array(held)[()],
    "!object": _decode_object,
}

to_plain = Encoder().encode
"""Return a value, without objects of other types, as data for JSON that hold the bytes of its arrays."""

from_plain = Decoder().decode
"""Return the value that `to_plain` was given."""
