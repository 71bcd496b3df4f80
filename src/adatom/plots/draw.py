"""Pictures of documents and results, by their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adatom.analysis.documents import find_documents
from adatom.errors import InputError, StorageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PLOTS", "check_picture", "draw", "save_pictures"]

#: By the name of a document or result, which stands under ``name`` in it, the function that draws it into a figure.
PLOTS = {
    "surface_energies": "adatom.plots.surfaces:draw_surface_energies",
    "adsorption_energies": "adatom.plots.surfaces:draw_adsorption_energies",
    "convergence": "adatom.plots.convergence:draw_convergence",
    "elasticity": "adatom.plots.elastic:draw_elasticity",
    "phonons": "adatom.plots.phonons:draw_phonons",
    "qha": "adatom.plots.qha:draw_qha",
    "eos": "adatom.plots.eos:draw_eos",
    "md": "adatom.plots.md:draw_md",
    "reaction_path": "adatom.plots.path:draw_path",
    "property_errors": "adatom.plots.property_errors:draw_property_errors",
}
_FORMATS = (".png", ".svg", ".pdf")


def draw(document: Mapping[str, Any]) -> Figure:
    """Draw a document into a new figure.

    Parameters
    ----------
    document
        Document of a flow, result of molecular dynamics, or prediction errors of models.

    Returns
    -------
    matplotlib.figure.Figure
        Figure that is not part of ``pyplot``: show it in a notebook, or save it with ``savefig``.

    Raises
    ------
    InputError
        There is no picture of documents with this name.
    """
    _forget_missing_backend()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    name = document.get("name") if isinstance(document, Mapping) else None
    if name not in PLOTS:
        raise InputError(f"There is no picture of {name or type(document).__name__!r}. Valid: {', '.join(PLOTS)}.")
    module, _, function = PLOTS[name].partition(":")
    figure = Figure(figsize=(5.0, 3.8), layout="constrained")
    with rc_context({"axes.formatter.useoffset": False}):  # whole numbers stand at the ticks
        getattr(import_module(module), function)(document, figure)
    return figure


def _forget_missing_backend() -> None:
    """Forget the backend of a notebook that is not installed here: matplotlib refuses to be imported with it."""
    kind, colon, module = os.environ.get("MPLBACKEND", "").partition("://")
    if kind == "module" and colon and find_spec(module.partition(".")[0]) is None:
        del os.environ["MPLBACKEND"]


def check_picture(path: Path) -> None:
    """Refuse a file that no picture can be written to.

    Parameters
    ----------
    path
        File that the picture is to be written to.

    Raises
    ------
    InputError
        The ending of the file is not one of PNG, SVG and PDF.
    """
    if path.suffix not in _FORMATS:
        raise InputError(f"{path}: pictures are {', '.join(_FORMATS)}. Give a name that ends so.")


def save_pictures(value: Any, path: Path, written: Callable[[Path], object] | None = None) -> list[Path]:
    """Draw and save all documents and results, of those that a recipe returned, of which there are pictures.

    Parameters
    ----------
    value
        Results and documents, in lists and dictionaries.
    path
        File for the picture; if there are several pictures, the name of each file has a number behind the stem.
    written
        Function that is called with the path of each file as soon as the file is written.

    Returns
    -------
    list of Path
        Files that were written.

    Raises
    ------
    InputError
        Nothing can be drawn, or the ending of the file is not one of PNG, SVG and PDF.
    StorageError
        A file cannot be written.
    """
    check_picture(path)
    found = [document for _, document in find_documents(value, PLOTS)]
    if not found:
        raise InputError(f"Nothing here can be drawn. There are pictures of: {', '.join(PLOTS)}.")
    files = [path if len(found) == 1 else path.with_stem(f"{path.stem}-{i}") for i, _ in enumerate(found, 1)]
    figures = [draw(document) for document in found]  # nothing is written if one of them cannot be drawn
    for figure, file in zip(figures, files, strict=True):
        try:
            figure.savefig(file, dpi=150)
        except OSError as error:
            raise StorageError(f"Cannot write {file}: {error.strerror or error}.") from error
        if written is not None:
            written(file)
    return files
