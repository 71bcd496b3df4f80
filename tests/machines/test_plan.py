"""What is checked before anything is submitted."""

from pathlib import Path

import pytest

from adatom.errors import InputError, UnknownNameError
from adatom.machines import Command, ExecutionProfile, HPCProfile
from adatom.machines.plan import plan

COMMAND = Command(name="pw", executable="pw.x", arguments=("-in", "pw.in"))
HOW = ExecutionProfile(
    name="pw-2", command="pw", nodes=2, ranks_per_node=4, walltime="1h", memory="10G", launcher="srun",
    launcher_options=("--mpi=pmix",), modules=("qe",), pre_commands=("ulimit -s unlimited",), environment={"A": "how"},
    post_commands=("rm -rf scratch",),
)  # fmt: skip
WHERE = HPCProfile(
    name="site", scheduler="slurm", queues={"cpu": "main"}, accounts={"cpu": "abc", "gpu": "def"},
    limits={"main": {"walltime": "2h", "nodes": 4, "cores_per_node": 8, "gpus_per_node": 0, "memory": "16G"}},
    executables={"pw.x": "/opt/my codes/pw.x", "env": ["/opt/env.sh", "pw.x"]}, modules=("gcc",),
    environment={"A": "where", "B": "where"}, directives=("--mail-type=END",), slurm={"qos": "high"},
)  # fmt: skip


def planned(command=COMMAND, how=HOW, where=WHERE, args=(), **overrides):
    return plan("job", command, how, where, Path("/work"), args, overrides)


def test_what_comes_of_the_three():
    job = planned(args=["x y", 3, 0.5, Path("/a b")])
    assert job.command == [
        *["srun", "--nodes=2", "--ntasks=8", "--cpus-per-task=1", "--mpi=pmix"], "/opt/my codes/pw.x",
        "-in", "pw.in", "x y", "3", "0.5", "/a b",
    ]  # fmt: skip
    assert (job.queue, job.account, job.options.qos, job.directives) == ("main", "abc", "high", ("--mail-type=END",))
    assert (job.modules, job.pre_commands) == (("gcc", "qe"), ("ulimit -s unlimited",))
    assert job.post_commands == ("rm -rf scratch",)
    assert job.environment == {"A": "how", "B": "where"}
    assert job.resources.memory == 10 * 2**30


def test_an_executable_of_several_words():
    job = planned(Command(name="pw", executable="env"))
    assert job.command[-2:] == ["/opt/env.sh", "pw.x"]


def test_what_may_be_said_anew():
    job = planned(nodes=1, ranks_per_node=1, launcher="single", launcher_options=[], walltime="90m", modules=["qe/7"])
    assert (job.resources.nodes, job.resources.walltime, job.modules) == (1, 5400, ("gcc", "qe/7"))
    assert job.command[0] == "/opt/my codes/pw.x"
    assert HOW.nodes == 2
    with pytest.raises(
        UnknownNameError, match=r"'memory'\. Valid: environment, launcher, launcher_options, modules, no"
    ):
        planned(memory="1G")
    with pytest.raises(InputError, match="'walltime' of ExecutionProfile is 'soon': Give seconds"):
        planned(walltime="soon")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"walltime": "3h"}, "walltime is 03:00:00, and the queue 'main' of site has at most 02:00:00"),
        ({"nodes": 5}, "nodes is 5, and the queue 'main' of site has at most 4"),
        ({"threads_per_rank": 3}, "cores_per_node is 12, and the queue 'main' of site has at most 8"),
    ],
)
def test_limits_of_a_queue(overrides, said):
    with pytest.raises(InputError, match=said):
        planned(**overrides)


def test_gpus_and_memory_have_limits_too():
    with pytest.raises(InputError, match="gpus_per_node is 1, and the queue 'main' of site has at most 0"):
        planned(how=ExecutionProfile(name="x", command="pw", gpus_per_node=1))
    with pytest.raises(InputError, match="memory is 17G, and the queue .* at most 16G"):
        planned(how=ExecutionProfile(name="x", command="pw", memory="17G"))


def test_what_does_not_belong_together():
    with pytest.raises(InputError, match="'pw-2' is made for the command 'pw', and is used with 'ph'"):
        planned(Command(name="ph", executable="pw.x"))
    with pytest.raises(UnknownNameError, match=r"Unknown executable of site 'ph.x'.* Valid: env, pw\.x\."):
        planned(Command(name="pw", executable="ph.x"))
    with pytest.raises(UnknownNameError, match=r"Unknown resource class in the queues of site 'gpu'.* Valid: cpu\."):
        planned(how=ExecutionProfile(name="x", command="pw", resource_class="gpu"))


@pytest.mark.parametrize(("value", "said"), [([1], "is a list: give text"), (None, "NoneType"), ("a\0", "zero byte")])
def test_arguments_that_no_program_can_be_given(value, said):
    with pytest.raises(InputError, match=said):
        planned(args=[value])


def test_of_several_queues_the_first_one_that_gives_what_is_asked_for():
    limits = {"short": {"walltime": "1h", "cores_per_node": 8}, "long": {"walltime": "24h", "cores_per_node": 4}}
    site = HPCProfile(
        name="site", scheduler="slurm", queues={"cpu": ["short", "long"]}, limits=limits,
        executables={"pw.x": "pw.x"},
    )  # fmt: skip
    assert planned(walltime="30m", where=site).queue == "short"
    assert planned(walltime="2h", where=site).queue == "long"
    with pytest.raises(InputError, match="walltime is 02:00:00, and the queue 'short' .*, and cores_per_node is 8"):
        planned(walltime="2h", ranks_per_node=8, where=site)
