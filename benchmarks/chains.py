"""Jobs and subflows that need one another, against jobs that do not: the time of each on the local engine."""

from collections.abc import Callable
from typing import Any

from _measure import arguments, compare, report, scratch

from adatom import change_settings, flow, job, subflow


@job
def noop(item: Any) -> Any:
    return item


@flow
def flat(count: int) -> Any:
    return [noop(item) for item in range(count)][-1]


@flow
def chain(count: int) -> Any:
    item = noop(0)
    for _ in range(count - 1):
        item = noop(item)
    return item


@subflow
def descend(depth: int, item: Any) -> Any:
    return descend(depth - 1, item) if depth else item


@flow
def deep(depth: int) -> Any:
    return descend(depth, noop(0))


def timed(run: Callable[[int], Any], count: int, workers: int) -> Callable[[], None]:
    def function() -> None:
        with scratch() as folder, change_settings(results_dir=folder, local_workers=workers):
            run(count)

    return function


def main() -> None:
    options = arguments(__doc__, repeats=3)
    rows = [
        compare(
            f"{name}, {workers} worker{'s' * (workers > 1)}, 10 000 against as many jobs side by side",
            target,
            timed(run, 10_000, workers),
            timed(flat, 10_000, workers),
            options.repeats,
        )
        for workers in (1, 2)
        for name, run, target in (("chain of jobs", chain, 1.2), ("subflows in one another", deep, None))
    ]
    report("Chains", rows, options.json)


if __name__ == "__main__":
    main()
