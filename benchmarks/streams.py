"""Many structures: `adatom.configs` against a plain loop of ASE's in one process."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import ase.io
from _measure import absolute, arguments, compare, report, scratch
from ase.build import bulk
from ase.calculators.emt import EMT

from adatom import change_settings
from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, calculate
from adatom.execution.registry import close_engines, engine_class, is_installed

PROPERTIES = ["energy", "forces"]
HALF = """
import sys
from ase.calculators.emt import EMT
from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, calculate
calculate(ConfigSet("in.xyz"), OutputSpec("resumed.xyz"), (EMT, [], {}), ["energy", "forces"],
          autopara_info=AutoparaInfo(workers=1))
"""
MEMORY = """
import sys
from ase.build import bulk
from ase.calculators.emt import EMT
from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, calculate
if __name__ == "__main__":
    info = AutoparaInfo(workers=2)
    calculate(ConfigSet("in.xyz"), OutputSpec(sys.argv[1]), (EMT, [], {}), ["energy"], autopara_info=info)
    status = dict(line.split(":") for line in open("/proc/self/status"))
    print(int(status["VmHWM"].split()[0]) / 1024)  # `getrusage` would count the process that started this one
"""


def cells(count):
    for seed in range(count):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.05, seed=seed)
        yield atoms


def loop(structures):
    """What a user writes who needs nothing but the numbers."""
    calculator, results = EMT(), []
    for atoms in structures:
        atoms.calc = calculator
        results.append((atoms.get_potential_energy(), atoms.get_forces()))
    return results


def main() -> None:
    options = arguments(
        __doc__,
        repeats=3,
        structures={"type": int, "default": 10_000, "help": "how many"},
        engine={"action": "append", "help": "of the case engines; all that are installed if not given"},
        case={"action": "append", "help": "memory, files, rerun, resume, engines, driver; all if not given"},
    )
    wanted = set(options.case or ["memory", "files", "rerun", "resume", "engines", "driver"])
    os.environ["OMP_NUM_THREADS"] = "1"
    rows = []
    structures = list(cells(options.structures))
    numbers = itertools.count()

    def ours(outputs=None, inputs=structures, **how):
        calculate(inputs, outputs, (EMT, [], {}), PROPERTIES, autopara_info=AutoparaInfo(**how))

    def by_hand():
        loop([atoms.copy() for atoms in structures])

    def files_by_hand():
        frames = ase.io.read("in.xyz", ":")
        loop(frames)
        ase.io.write("plain.xyz", frames)

    def fresh():
        return OutputSpec(f"out{next(numbers)}.xyz")

    with scratch():
        ase.io.write("in.xyz", structures)
        if "memory" in wanted:
            for workers, target in ((1, 1.10), (2, 0.60)):
                subject = f"memory to memory, workers: {workers}"
                rows.append(compare(subject, target, lambda n=workers: ours(workers=n), by_hand, options.repeats))
        if "files" in wanted:
            rows.append(
                compare(
                    "extended XYZ to extended XYZ, workers: 2",
                    0.60,
                    lambda: ours(fresh(), ConfigSet("in.xyz"), workers=2),
                    files_by_hand,
                    options.repeats,
                )
            )
        if "rerun" in wanted:
            done = OutputSpec("done.xyz")
            seconds = []
            for inputs in (ConfigSet("in.xyz"),) * (options.repeats + 1):
                start = time.perf_counter()
                ours(done, inputs, workers=2)
                seconds.append(time.perf_counter() - start)
            rows.append(absolute("rerun, all done, files", 0.5, seconds[1:], "s"))
        if "resume" in wanted:
            rows.append(resume(options.repeats))
        if "engines" in wanted:
            for name in options.engine or ("local", "dask", "parsl", "prefect"):
                if is_installed(engine_class(name)):
                    with change_settings(workflow_engine=name, local_workers=2):
                        rows.append(compare(f"map on {name}, 2 workers", 0.75, ours, by_hand, options.repeats))
                    close_engines()
        if "driver" in wanted:
            for count in (options.structures, 10 * options.structures):
                ase.io.write("in.xyz", cells(count))
                run = [sys.executable, "-c", MEMORY, f"driver{count}.xyz"]
                used = float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
                rows.append(absolute(f"memory of the driver, {count} structures, file to file", 300, [used], "MB"))
    report("many structures: 4-atom cells of Cu, EMT, energy and forces", rows, options.json)


def resume(repeats):
    """A run that goes on where another was killed, against a whole one, both in new processes."""

    def run():
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", HALF], check=True)
        return time.perf_counter() - start

    def clean():
        for path in Path().glob("resumed*"):
            path.unlink()

    def whole():
        clean()
        return run()

    def half():
        clean()
        ase.io.write("some.xyz", bulk("Cu"))
        goal = Path("whole.size")
        if not goal.exists():
            run()
            goal.write_text(str(Path("resumed.xyz").stat().st_size))
            clean()
        running = subprocess.Popen([sys.executable, "-c", HALF])
        partial = Path("resumed.xyz.partial")
        while not partial.exists() or partial.stat().st_size < int(goal.read_text()) / 2:
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        running.wait()
        return run()

    return compare("resumed after a kill at half, against a whole run", 0.6, half, whole, repeats)


if __name__ == "__main__":
    main()
