"""Import time: `adatom.recipes.emt` against the parts of ASE that a user of it needs."""

import os
import subprocess
import sys

from _measure import arguments, compare, report, scratch

OURS = "import adatom.recipes.emt"
ASE = "import ase, ase.calculators.emt, ase.optimize"
TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def seconds(statement: str, bytecode: str) -> float:
    """How long an import takes in a new interpreter, with bytecode of everything whatever the environment says."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    command = [sys.executable, "-c", TIMED.format(statement)]
    return float(subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout)


def main() -> None:
    options = arguments(__doc__, repeats=20)
    with scratch() as directory:
        bytecode = str(directory / "bytecode")
        row = compare(
            OURS, 1.3, lambda: seconds(OURS, bytecode), lambda: seconds(ASE, bytecode), repeats=options.repeats
        )
    report(f"Import in fresh interpreters, against `{ASE}`", [row], options.json)


if __name__ == "__main__":
    main()
