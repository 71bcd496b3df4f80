"""Reading structures from extended XYZ and from a store, and writing extended XYZ, against ASE and extended XYZ."""

from functools import partial
from pathlib import Path

import numpy as np
from _measure import arguments, compare, report, scratch
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

from adatom.configs import ConfigSet, StoreWriter
from adatom.configs.writing import write_structures

SIZES = {4: 10_000, 108: 1_000, 4_000: 25}  # atoms in a structure, and how many structures


def structures(atoms: int, count: int) -> list[Atoms]:
    """Rattled copper with an energy and forces."""
    made, crystal = [], bulk("Cu", cubic=True) * ((round((atoms / 4) ** (1 / 3)),) * 3)
    for number in range(count):
        made.append(crystal.copy())
        made[-1].rattle(0.05, seed=number)
        made[-1].info["number"] = number
        forces = np.random.default_rng(number).normal(size=(atoms, 3))
        made[-1].calc = SinglePointCalculator(made[-1], energy=-0.1 * number, forces=forces)
    return made


def by_ase(path: str) -> None:
    """Read all with ASE."""
    read(path, ":")


def keep(path: str) -> None:
    """Read all."""
    list(ConfigSet(path))


def stream(path: str) -> None:
    """Look at each structure, and keep none."""
    for _ in ConfigSet(path):
        pass


def pick(path: str, numbers: list[int]) -> None:
    """Read a few structures by their numbers."""
    for _ in ConfigSet(path).take(numbers):
        pass


def keep_in_file(structures: list[Atoms]) -> None:
    """Write all."""
    write_structures(structures, Path("b.xyz"))


def main() -> None:
    options = arguments(__doc__, repeats=7)
    rows = []
    with scratch():
        for atoms, count in SIZES.items():
            Path("a.lmdb").unlink(missing_ok=True)  # else it is added to
            write("a.xyz", structures(atoms, count))
            made = read("a.xyz", ":")
            with StoreWriter("a.lmdb") as store:
                store.append(made)
            assert list(ConfigSet("a.xyz")) == list(ConfigSet("a.lmdb")) == made
            base, of = partial(by_ase, "a.xyz"), f"{count} of {atoms} atoms"
            ours, theirs = partial(keep_in_file, made), partial(write, "c.xyz", made)
            target = 0.4 if atoms == 4 else None
            rows.append(compare(f"xyz written, {of}", target, ours, theirs, options.repeats))
            assert Path("b.xyz").read_bytes() == Path("c.xyz").read_bytes() == Path("a.xyz").read_bytes()
            del made, ours, theirs  # Python would look through it for garbage, again and again
            targets = (1 / 3, 1 / 20) if atoms == 4 else (None, None)
            for name, target in zip(("xyz", "lmdb"), targets, strict=True):
                rows.append(compare(f"{name}, {of}", target, partial(stream, f"a.{name}"), base, options.repeats))
            if atoms == 4:
                for name in ("xyz", "lmdb"):
                    kept = partial(keep, f"a.{name}")
                    rows.append(compare(f"{name}, {of}, all kept", None, kept, base, options.repeats))
                some = np.random.default_rng(0).integers(count, size=100).tolist()
                for name in ("xyz", "lmdb"):
                    few = partial(pick, f"a.{name}", some)
                    rows.append(compare(f"{name}, 100 at random of {of}", None, few, base, options.repeats))
    report("Reading and writing structures, against ase.io.read and ase.io.write", rows, options.json)


if __name__ == "__main__":
    main()
