"""Compute with a calculator that is installed for another Python: the side that runs there.

The file needs nothing but ASE, since adatom need not be installed for that Python, and no syntax that an older Python
does not know. Its arguments are the calculator, as ``module:attribute`` or ``file.py:attribute``, and the number of
ranks, which is 0 if only the launcher knows it. Each line of its standard input is a request, and each line of its
standard output an answer; what the calculator prints goes to the standard error. With several ranks, the first one
reads and answers.
"""

import importlib.util
import os
import sys
import traceback
from operator import attrgetter
from typing import Any, Iterator  # noqa: UP035

# Variables by which launchers tell a process its rank.
_RANK = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID")


def main(calculator: str, ranks: int) -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    first = ranks == 1 or next((os.environ[name] for name in _RANK if name in os.environ), "0") == "0"
    made, used, broken = None, None, None
    try:
        module, _, attribute = calculator.rpartition(":")
        make = attrgetter(attribute)(_imported(module))  # before ASE looks which package has MPI
        if ranks != 1:
            _check_ranks(module, ranks)
    except Exception as error:
        traceback.print_exc()
        broken = error
        if not first:
            return
    for line in _requests(first, ranks != 1 and broken is None):
        try:
            if broken is not None:
                raise broken
            request = _decoded(line)
            if made is None or request["arguments"] != used:
                made = make(**request["arguments"], **_device(request["chooses_device"]))
                used = request["arguments"]
            answer: dict[str, Any] = {"results": _results(made, request["atoms"], request["properties"])}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": type(error).__name__, "message": str(error)}
        if first:
            answers.write(_encoded(answer) + "\n")
            answers.flush()


def _imported(module: str) -> Any:
    if not module.endswith(".py"):
        return importlib.import_module(module)
    spec: Any = importlib.util.spec_from_file_location("adatom_calculator", module)
    imported = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(imported)
    return imported


def _check_ranks(module: str, ranks: int) -> None:
    """Refuse a package without MPI, in which each rank would compute all alone."""
    from ase.parallel import world

    if ranks and world.size != ranks:
        raise RuntimeError(f"The job has {ranks} ranks, and {module} knows of {world.size}: it was built without MPI.")


def _requests(first: bool, parallel: bool) -> Iterator[str]:
    """Yield the lines of the standard input, on all ranks."""
    while True:
        line = sys.stdin.readline() if first else ""
        if parallel:
            from ase.parallel import broadcast

            line = broadcast(line)
        if not line:
            return
        yield line


def _device(argument: str) -> dict[str, str]:
    """Return the argument for the device, by its name; none, if the name is empty."""
    if not argument:
        return {}
    try:
        import torch
    except ImportError:  # the model does not use torch
        return {argument: "cpu"}
    if torch.cuda.is_available():
        return {argument: "cuda"}
    return {argument: "mps" if torch.backends.mps.is_available() else "cpu"}


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

    return encode(value).replace("\n", " ")  # one line: in a text of JSON no other character is a line break


def _decoded(line: str) -> Any:
    from ase.io.jsonio import decode

    return decode(line)


if __name__ == "__main__":
    del sys.path[0]  # the directory of this file, whose modules have names of packages
    main(sys.argv[1], int(sys.argv[2]))
