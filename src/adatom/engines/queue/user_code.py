"""Source of the modules that are the user's own, and that no other machine has."""

from __future__ import annotations

import io
import sys
import sysconfig
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from adatom.errors import InputError

__all__ = ["is_own", "user_code"]

_MOST = 16 << 20  # bytes


def user_code() -> tuple[str, bytes]:
    """Return the source of the imported modules that no package manager has installed, with their whole packages.

    Returns
    -------
    tuple
        Name of an archive, from a digest of its content, and the archive, which can be a part of the module search
        path.

    Raises
    ------
    InputError
        The source is longer than 16 MiB.
    """
    return _archived(len(sys.modules))


@lru_cache(maxsize=1)
def _archived(modules: int) -> tuple[str, bytes]:
    files: dict[str, bytes] = {}
    for name in sorted({name.partition(".")[0] for name in sys.modules}):
        source = getattr(sys.modules.get(name), "__file__", None)
        if source and source.endswith(".py") and name not in ("__main__", "__mp_main__", "adatom") and is_own(source):
            path = Path(source)
            found = path.parent.rglob("*.py") if path.name == "__init__.py" else [path]
            top = path.parent.parent if path.name == "__init__.py" else path.parent
            files |= {str(one.relative_to(top)): one.read_bytes() for one in found}
    size = sum(map(len, files.values()))
    if size > _MOST:
        folders = sorted({name.partition("/")[0] for name in files})
        raise InputError(
            f"The modules {', '.join(folders)} have {size >> 20} MiB of source, which is too much to be copied to a "
            "host with the jobs. Install them there and here."
        )
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(ZipInfo(name), data, ZIP_DEFLATED)  # without a time, so that the same files are the same
    return f"{blake2b(packed.getvalue(), digest_size=8).hexdigest()}.zip", packed.getvalue()


def is_own(source: str) -> bool:
    """Return whether a module is the user's own, as no package manager has installed it.

    Parameters
    ----------
    source
        Path of the file of the module.
    """
    installed = (sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"))
    return not source.startswith(installed) and not {"site-packages", "dist-packages"} & {*Path(source).parts}
