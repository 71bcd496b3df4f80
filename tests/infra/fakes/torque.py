"""Torque: the commands of PBS with other options, other messages and other output.

Formats are those of Torque 4 to 6. Not sure: what is told of a lost node.
"""

import os
import time
from typing import Any
from xml.sax.saxutils import escape

from . import core, pbs
from .core import Job, Refused, Spool
from .pbs import SIGNALS as SIGNALS
from .pbs import finish as finish

SUBMIT = "qsub"
SETTINGS = {"server": "host.example.org", "queue": "batch", "first": 12345, "signal_statuses": False}
OVER_LIMIT = {"timeout": -11, "out_of_memory": -10}  # JOB_EXEC_OVERLIMIT_...; older ones report 256 + signal
UNKNOWN = "Unknown Job Id Error"


def refusal(message: str | None) -> Refused:
    return Refused(f"qsub: submit error ({message or 'Unknown queue MSG=cannot locate queue'})", pbs.UNKNOWN_QUEUE)


def unreachable(spool: Spool, command: str) -> Refused:
    server = spool.settings["server"]
    return Refused(f"Communication failure.\n{command}: cannot connect to server {server} (errno=15096)", 1)


def qsub(spool: Spool, arguments: list[str]) -> int:
    parser = pbs.options()
    parser.add_argument("-d")
    parser.add_argument("-w")
    parser.add_argument("-n", action="store_true")
    given, text = pbs.read_script(parser, arguments)
    key = str(spool.number())
    job = pbs.submit(spool, given, text, key, arguments, workdir=given.d or given.w or str(spool.path / "home"))
    core.submit(spool, text=text, **job)
    if not given.z:
        print(pbs.identifier(spool, key))
    return 0


def attributes(spool: Spool, job: Job, epoch: bool) -> pbs.Attributes:
    def date(moment: float) -> str:
        return str(int(moment)) if epoch else time.strftime("%a %b %e %H:%M:%S %Y", time.localtime(moment))

    host = os.uname().nodename
    status = pbs.exit_status(spool, job)
    if job["outcome"] in OVER_LIMIT and not spool.settings["signal_statuses"]:
        status = OVER_LIMIT[job["outcome"]]
    if job["outcome"] == "cancelled" and status is None:
        status = 271  # also of a job that never ran
    used = pbs.used(spool, job)
    shown: dict[str, Any] = {
        "Job_Name": job["name"],
        "Job_Owner": f"{core.user()}@{host}",
        **({"resources_used": {n: used[n] for n in ("cput", "mem", "vmem", "walltime")}} if job["started"] else {}),
        "job_state": pbs.state(job).replace("F", "C"),
        "queue": job["queue"],
        "server": spool.settings["server"],
        **({"Account_Name": job["account"]} if job["account"] else {}),
        "Checkpoint": "u",
        "ctime": date(job["submitted"]),
        "Error_Path": f"{host}:{job['stderr']}",
        **({"exec_host": "node01/0"} if job["started"] else {}),
        "Hold_Types": "u" if job["held"] else "n",
        "Join_Path": "oe" if job["join"] else "n",
        "Keep_Files": "n",
        "Mail_Points": "a",
        "mtime": date(job["ended"] or job["started"] or job["submitted"]),
        "Output_Path": f"{host}:{job['stdout']}",
        "Priority": 0,
        "qtime": date(job["submitted"]),
        "Rerunable": "True",
        "Resource_List": job["resources"],
        **({"session_id": job["pid"]} if job["started"] else {}),
        "Variable_List": job["carried"],
        "etime": date(job["submitted"]),
        **({} if status is None else {"exit_status": status}),  # small, other than in PBS Pro
        "submit_args": " ".join(job["arguments"]),
        **({"start_time": date(job["started"]), "start_count": 1} if job["started"] else {}),
        "fault_tolerant": "False",
        **({"comp_time": date(job["ended"])} if job["ended"] else {}),
        "job_radix": 0,
        "submit_host": host,
    }
    return pbs.reported(job, shown)


def qstat(spool: Spool, arguments: list[str]) -> int:
    parser = core.parser("qstat")
    for name in ("-f", "-x", "-1", "-t", "-a", "-n", "-Q"):
        parser.add_argument(name, action="store_true", dest=f"option{name}")
    parser.add_argument("-u")
    parser.add_argument("jobs", nargs="*")
    given = vars(parser.parse_args(arguments))
    if given["option-Q"]:
        queues = {"batch": None, "short": "01:00:00"}
        pbs.print_full({name: pbs.queue(longest) for name, longest in queues.items()}, 79, "        ", "Queue")
        return 0
    found = pbs.find(spool, "qstat", given["jobs"], UNKNOWN) if given["jobs"] else spool.jobs()
    errors = [item for item in found if isinstance(item, Refused)]
    jobs = [item for item in found if not isinstance(item, Refused)]
    shown = {pbs.identifier(spool, job["key"]): attributes(spool, job, given["option-x"]) for job in jobs}
    if given["option-x"]:
        if shown:
            inner = "".join(f"<Job><Job_Id>{name}</Job_Id>{_xml(job)}</Job>" for name, job in shown.items())
            print(f"<Data>{inner}</Data>")
    elif given["option-f"]:
        pbs.print_full(shown, 0 if given["option-1"] else 79, "        ")
    else:
        pbs.print_table(shown)
    return pbs.complain(errors)


def _xml(values: dict[str, Any]) -> str:
    parts = []
    for name, value in values.items():
        if name == "Variable_List":
            text = escape(",".join(f"{key}={item}" for key, item in value.items()))
        else:
            text = _xml(value) if isinstance(value, dict) else escape(str(value))
        parts.append(f"<{name}>{text}</{name}>")
    return "".join(parts)


def qdel(spool: Spool, arguments: list[str]) -> int:
    parser = core.parser("qdel")
    parser.add_argument("-m")
    parser.add_argument("-p", action="store_true")  # purge
    parser.add_argument("-W")
    parser.add_argument("jobs", nargs="+")
    given = parser.parse_args(arguments)
    found = pbs.find(spool, "qdel", given.jobs, UNKNOWN)
    errors = []
    for job in found:
        if isinstance(job, Refused):
            errors.append(job)
        elif job["state"] == "ended" and not given.p:
            name = pbs.identifier(spool, job["key"])
            errors.append(
                Refused(f"qdel: Request invalid for state of job MSG=invalid state for job - COMPLETE {name}", 168)
            )
        else:
            core.cancel(spool, job)
            if given.p:
                spool.change(job["key"], forgotten=True)
    return pbs.complain(errors)


COMMANDS = {"qsub": qsub, "qstat": qstat, "qdel": qdel}
