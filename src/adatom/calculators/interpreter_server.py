"""Compute with a calculator that is installed for another Python: the side that runs there.

The file needs nothing but ASE, since adatom need not be installed for that Python, and no syntax that an older Python
does not know. Its argument is the calculator, as ``module:attribute`` or ``file.py:attribute``. Each line of its
standard input is a request, and each line of its standard output an answer; what the calculator prints goes to the
standard error. With several ranks, the first one reads and answers.
"""

import importlib.util
import json
import os
import sys
import traceback
from operator import attrgetter
from typing import Any, Iterator  # noqa: UP035

_PARALLEL = int(os.environ.get("OMPI_COMM_WORLD_SIZE") or os.environ.get("PMI_SIZE") or 1) > 1


def main(calculator: str) -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    make, made, used = None, None, None
    for line in _requests():
        try:
            request = _decoded(line)
            if make is None:
                module, _, attribute = calculator.rpartition(":")
                make = attrgetter(attribute)(_imported(module))
            if made is None or request["arguments"] != used:
                made, used = make(**request["arguments"]), request["arguments"]
            answer: dict[str, Any] = {"results": _results(made, request["atoms"], request["properties"])}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": type(error).__name__, "message": str(error)}
        if _is_first():
            answers.write(_encoded(answer) + "\n")
            answers.flush()


def _imported(module: str) -> Any:
    if not module.endswith(".py"):
        return importlib.import_module(module)
    spec: Any = importlib.util.spec_from_file_location("adatom_calculator", module)
    imported = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(imported)
    return imported


def _requests() -> Iterator[str]:
    """Yield the lines of the standard input, on all ranks."""
    while True:
        line = sys.stdin.readline() if _is_first() else ""
        if _PARALLEL:
            from ase.parallel import broadcast

            line = broadcast(line)
        if not line:
            return
        yield line


def _is_first() -> bool:
    """Return whether this process is the rank that reads and answers."""
    if not _PARALLEL:
        return True
    from ase.parallel import world

    return bool(world.rank == 0)


def _results(calculator: Any, given: dict[str, Any], properties: list[str]) -> dict[str, Any]:
    """Return properties of a structure, and what the calculator has found besides."""
    from ase import Atoms

    atoms = Atoms(**given)
    atoms.calc = calculator
    found = {name: calculator.get_property(name, atoms) for name in properties}
    found.update((name, value) for name, value in calculator.results.items() if value is not None)
    return found


def _encoded(value: Any) -> str:
    from ase.io.jsonio import encode

    return json.dumps(json.loads(encode(value)))  # one line


def _decoded(line: str) -> Any:
    from ase.io.jsonio import decode

    return decode(line)


if __name__ == "__main__":
    del sys.path[0]  # the directory of this file, whose modules have names of packages
    main(sys.argv[1])
