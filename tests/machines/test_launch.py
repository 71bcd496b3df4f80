"""Launch lines."""

import pytest

from adatom.errors import InputError, UnknownNameError
from adatom.machines import Resources
from adatom.machines.launch import LAUNCHERS, launch_line

NEEDS = Resources(nodes=2, ranks_per_node=8, threads_per_rank=4)


@pytest.mark.parametrize(
    ("launcher", "words"),
    [
        ("srun", "srun --nodes=2 --ntasks=16 --cpus-per-task=4"),
        ("mpirun", "mpirun -np 16"),
        ("mpiexec", "mpiexec -n 16"),
        ("mpiexec.hydra", "mpiexec.hydra -n 16 -ppn 8"),
    ],
)
def test_ranks_are_derived(launcher, words):
    assert launch_line(launcher, NEEDS, ["--x"], ["pw.x", "-in", "a b"]) == [
        *words.split(),
        "--x",
        "pw.x",
        "-in",
        "a b",
    ]


def test_one_process_needs_no_launcher():
    assert launch_line("single", Resources(threads_per_rank=4), [], ["pw.x"]) == ["pw.x"]
    with pytest.raises(InputError, match=r"starts one process, and 16 ranks are asked for: mpiexec"):
        launch_line("single", NEEDS, [], ["pw.x"])
    with pytest.raises(InputError, match=r"has no options, and \['-x'\] are given"):
        launch_line("single", Resources(), ["-x"], ["pw.x"])


def test_an_unknown_one():
    with pytest.raises(UnknownNameError, match="Did you mean 'srun'"):
        launch_line("sruns", NEEDS, [], [])
    assert set(LAUNCHERS) == {"single", "srun", "mpirun", "mpiexec", "mpiexec.hydra"}
