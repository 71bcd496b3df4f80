"""What looking up and storing results costs, among 10 000 others, and what both add to a job that is computed."""

import itertools
import time

from _measure import Row, absolute, arguments, compare, report, scratch
from ase.build import bulk

from adatom import change_settings, flow
from adatom.cache.index import Index
from adatom.cache.key import make_key
from adatom.cache.store import Store
from adatom.recipes.emt import static_job

_number = itertools.count()


def structure() -> object:
    """A structure that was not computed before: two atoms of copper, so that EMT takes about 3 ms."""
    atoms = bulk("Cu") * (2, 1, 1)
    atoms.rattle(0.01, seed=next(_number))
    return atoms


def filled(store: Store, entries: int) -> list:
    """Keys of a store that holds so many results of a static calculation."""
    with change_settings(cache="off"):
        result = static_job(structure())
    keys = [make_key(static_job, (structure(),), {}) for _ in range(entries)]
    for key in keys:
        store.put(key, result)
    return keys


def each(function: object, items: list) -> list[float]:
    """How long a function takes for each item, in ms."""
    times = []
    for item in items:
        start = time.perf_counter()
        function(item)
        times.append(1000 * (time.perf_counter() - start))
    return times


def campaign(cache: str, jobs: int) -> float:
    """Seconds that a flow of new jobs takes."""

    @flow
    def statics(structures):
        return [static_job(atoms) for atoms in structures]

    structures = [structure() for _ in range(jobs)]
    with change_settings(cache=cache):
        start = time.perf_counter()
        statics(structures)
        return time.perf_counter() - start


def main() -> None:
    options = arguments(__doc__, repeats=15, entries={"type": int, "default": 10_000, "help": "results in the store"})
    with scratch() as root, change_settings(results_dir=root / "results", cache_dir=root / "full"):
        store = Store(root / "full")
        keys = filled(store, options.entries)
        some = keys[:: max(1, options.entries // 500)]
        result = store.get(keys[0].digest)
        absent = [make_key(static_job, (structure(),), {}) for _ in range(500)]
        new = [structure() for _ in range(500)]
        both = "100 new jobs of 3 ms: cache on / off"
        rows: list[Row] = [
            absolute("lookup, a hit", 1.0, each(lambda key: store.get(key.digest), some), "ms"),
            absolute("lookup, a miss", 1.0, each(lambda key: store.get(key.digest), absent), "ms"),
            absolute("put", 5.0, each(lambda key: store.put(key, result), absent), "ms"),
            absolute("key of a call", None, each(lambda atoms: make_key(static_job, (atoms,), {}), new), "ms"),
            absolute("index made from the files", None, each(lambda _: Index(store).close(), [1]), "ms"),
            absolute("index brought up to date", None, each(lambda _: Index(store).close(), [1] * 5), "ms"),
            compare(both, 1.1, lambda: campaign("on", 100), lambda: campaign("off", 100), options.repeats),
        ]
    report(f"cache, {options.entries} results", rows, options.json)


if __name__ == "__main__":
    main()
