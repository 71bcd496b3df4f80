"""Elements of the XML files of Quantum ESPRESSO."""

from __future__ import annotations

from xml.etree import ElementTree

from adatom.errors import ProgramError

__all__ = ["child", "numbers"]


def child(element: ElementTree.Element, path: str) -> ElementTree.Element:
    """Return an element inside another one.

    Parameters
    ----------
    element
        Outer element.
    path
        Path of the inner one, as ``xml.etree`` takes it.

    Raises
    ------
    ProgramError
        There is no such element.
    """
    found = element.find(path)
    if found is None:
        raise ProgramError(f"Quantum ESPRESSO left no {path} in {element.tag}.")
    return found


def numbers(element: ElementTree.Element) -> list[float]:
    """Return the numbers that are the text of an element.

    Parameters
    ----------
    element
        Element whose text is numbers between spaces and ends of lines.
    """
    return [float(word) for word in (element.text or "").split()]
