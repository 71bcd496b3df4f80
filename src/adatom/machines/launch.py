"""Launch lines, which start a program on the ranks of a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from adatom.errors import InputError, UnknownNameError
from adatom.machines.resources import Resources

__all__ = ["LAUNCHERS", "launch_line", "step_options"]

# Every version of Open MPI's `mpirun` knows `-np`, and gets the nodes from the scheduler.
LAUNCHERS: dict[str, Callable[[Resources], list[str]]] = {
    "single": lambda needs: [],
    "srun": lambda needs: [
        "srun",
        f"--nodes={needs.nodes}",
        f"--ntasks={needs.ranks}",
        f"--cpus-per-task={needs.threads_per_rank}",
    ],
    "mpirun": lambda needs: ["mpirun", "-np", str(needs.ranks)],
    "mpiexec": lambda needs: ["mpiexec", "-n", str(needs.ranks)],
    "mpiexec.hydra": lambda needs: ["mpiexec.hydra", "-n", str(needs.ranks), "-ppn", str(needs.ranks_per_node)],
}


def launch_line(launcher: str, needs: Resources, options: Sequence[str], program: Sequence[str]) -> list[str]:
    """Return the command line that starts a program on its ranks.

    Parameters
    ----------
    launcher
        Name of the launcher, a key of `LAUNCHERS`.
    needs
        Resources of the job, with its nodes, ranks and threads.
    options
        Further options of the launcher, one string for each word.
    program
        Executable and its arguments, one string for each word.

    Raises
    ------
    UnknownNameError
        No launcher has this name.
    InputError
        The launcher ``single``, which starts one process, is given several ranks or options.
    """
    if launcher not in LAUNCHERS:
        raise UnknownNameError("launcher", launcher, LAUNCHERS)
    if launcher == "single" and needs.ranks > 1:
        others = ", ".join(sorted(set(LAUNCHERS) - {"single"}))
        raise InputError(f"The launcher 'single' starts one process, and {needs.ranks} ranks are asked for: {others}.")
    if launcher == "single" and options:
        raise InputError(f"The launcher 'single' has no options, and {list(options)} are given.")
    return [*LAUNCHERS[launcher](needs), *options, *program]


def step_options(needs: Resources) -> list[str]:
    """Return the options without which one ``srun`` takes all of a batch job that others share.

    Parameters
    ----------
    needs
        Resources of the program.
    """
    return ["--exact", *([] if needs.memory is None else [f"--mem={-(-needs.memory // 2**20)}M"])]
