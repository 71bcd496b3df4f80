"""PBS Pro and OpenPBS: `qsub`, `qstat`, `qdel`. What Torque has in common with them is here too.

Formats are those of OpenPBS 20 to 23, as their tests, manuals and users' postings show them. Not sure: the comment of a
deleted job, the substate after a lost node, the words of a failing connection.
"""

import json
import os
import re
import signal
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from . import core
from .core import Job, Refused, Spool

SUBMIT = "qsub"
SETTINGS = {"server": "pbs-01", "queue": "workq", "first": 12345, "signal_statuses": False}
QUEUES = {"workq": None, "short": "01:00:00"}  # the longest walltimes
SIGNALS = {"timeout": [signal.SIGTERM], "cancelled": [signal.SIGTERM], "out_of_memory": [signal.SIGKILL]}

# A command's exit status is the last byte of the server's error number, 15000 and more.
UNKNOWN_JOB, FINISHED, UNKNOWN_QUEUE, BAD_VALUE = 153, 35, 170, 166

# OpenPBS reports a job over a limit by a number of its own, JOB_EXEC_KILL_...; older ones by 256 + signal.
OVER_LIMIT = {"timeout": (-29, "walltime"), "out_of_memory": (-27, "mem")}

Attributes = dict[str, Any]  # a dictionary in it is Resource_List, resources_used or Variable_List


def refusal(message: str | None) -> Refused:
    return Refused(f"qsub: {message or 'Unknown queue'}", UNKNOWN_QUEUE)


def unreachable(spool: Spool, command: str) -> Refused:
    server = spool.settings["server"]
    return Refused(f"Connection refused\n{command}: cannot connect to server {server} (errno=15010)", 1)


# --- qsub -------------------------------------------------------------------------------------------------------------


def options() -> ArgumentParser:
    """What PBS Pro and Torque both have."""
    parser = core.parser("qsub")
    for name in ("-A", "-a", "-c", "-e", "-j", "-k", "-m", "-M", "-N", "-o", "-p", "-q", "-r", "-S", "-u", "-v"):
        parser.add_argument(name)
    parser.add_argument("-C", default="#PBS")
    parser.add_argument("-l", action="append", default=[])
    parser.add_argument("-W", action="append", default=[])
    for name in ("-h", "-V", "-z"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("script", nargs="?")
    return parser


def qsub(spool: Spool, arguments: list[str]) -> int:
    parser = options()
    parser.add_argument("-P")
    parser.add_argument("-J")
    given, text = read_script(parser, arguments)
    number = spool.number()
    for key in [f"{number}[{index}]" for index in array_indices(given.J)] or [str(number)]:
        job = submit(spool, given, text, key, arguments, workdir=str(spool.path / "home"))
        if "[" in key:
            job["environment"] |= {"PBS_ARRAY_INDEX": key[:-1].partition("[")[2], "PBS_ARRAY_ID": f"{number}[]"}
        core.submit(spool, text=text, **job)
    if not given.z:
        print(identifier(spool, f"{number}[]" if given.J else str(number)))
    return 0


def read_script(parser: ArgumentParser, arguments: list[str]) -> tuple[Namespace, str]:
    plain = parser.parse_args(arguments)
    if plain.script in (None, "-"):
        text = sys.stdin.read()
    else:
        try:
            text = Path(plain.script).read_text()
        except OSError:
            raise Refused(f"qsub: script file: No such file or directory: {plain.script}", 1) from None
    return core.with_directives(parser, arguments, text, plain.C), text


def array_indices(text: str | None) -> range:
    if text is None:
        return range(0)
    match = re.fullmatch(r"(\d+)-(\d+)(?::(\d+))?", text)
    if match is None:
        raise Refused("qsub: illegal -J value", 2)
    return range(int(match[1]), int(match[2]) + 1, int(match[3] or 1))


def submit(spool: Spool, given: Namespace, text: str, key: str, arguments: list[str], workdir: str) -> Job:
    """What both dialects tell `core.submit`."""
    name = given.N or ("STDIN" if given.script in (None, "-") else Path(given.script).name)
    if not re.fullmatch(r"\S{1,236}", name):
        raise Refused("qsub: illegal -N value", 2)
    wanted = core.resources(given.l)
    try:
        walltime = core.seconds(wanted["walltime"]) if "walltime" in wanted else None
    except ValueError:
        raise Refused("qsub: Illegal attribute or resource value Resource_List.walltime", BAD_VALUE) from None
    here = os.getcwd()
    server = spool.settings["server"]
    queue = given.q or spool.settings["queue"]
    host = os.uname().nodename
    serial = key.replace("[", ".").rstrip("]")
    carried = {f"PBS_O_{n}": os.environ[n] for n in ("HOME", "LANG", "LOGNAME", "PATH", "SHELL") if n in os.environ}
    carried |= {"PBS_O_WORKDIR": here, "PBS_O_HOST": host, "PBS_O_QUEUE": queue}
    for item in filter(None, (given.v or "").split(",")):
        variable, equals, value = item.partition("=")
        if equals or variable in os.environ:
            carried[variable] = value if equals else os.environ[variable]
    full = identifier(spool, key)
    return {
        "key": key,
        "name": name,
        "queue": queue,
        "account": given.A,
        "arguments": arguments,
        "resources": wanted,
        "walltime": walltime,
        "workdir": workdir,
        "shell": (given.S or "/bin/bash").partition("@")[0],
        "carried": carried,
        # Without -V a job has the environment of a login, and PBS_O_... tell of the one it was submitted in.
        "environment": core.login_environment(spool)
        | (dict(os.environ) if given.V else {})
        | carried
        | {
            "PBS_JOBID": full,
            "PBS_JOBNAME": name,
            "PBS_QUEUE": queue,
            "PBS_SERVER": server,
            "PBS_ENVIRONMENT": "PBS_BATCH",
        },
        "stdout": output_path(given.o, here, f"{name}.o{serial}", f"{full}.OU"),
        "stderr": output_path(given.e, here, f"{name}.e{serial}", f"{full}.ER"),
        "join": (given.j or "n") in ("oe", "eo"),
        # Output is spooled on the node and comes when the job has ended, unless -k says to write it in place.
        "direct": "d" in (given.k or ""),
        **({"held": True} if given.h else {}),
    }


def output_path(given: str | None, here: str, usual: str, in_directory: str) -> str:
    path = Path(here, (given or usual).rpartition(":")[2])  # the part before a colon is a host
    return str(path / in_directory if path.is_dir() else path)


# --- a job, as the server tells of it ---------------------------------------------------------------------------------


def identifier(spool: Spool, key: str) -> str:
    return f"{key}.{spool.settings['server']}"


def find(spool: Spool, command: str, identifiers: list[str], unknown: str = "Unknown Job Id") -> list[Job | Refused]:
    """The jobs asked for, or what is said about each that is not there."""
    found: list[Job | Refused] = []
    for asked in identifiers:
        match = re.fullmatch(r"(\d+(?:\[\d*\])?)(?:\..+)?", asked)
        if match is None:
            found.append(Refused(f"{command}: illegally formed job identifier: {asked}", 1))
            continue
        key = match[1]
        jobs = [j for j in spool.jobs() if j["key"] == key or (key.endswith("[]") and j["key"].startswith(key[:-1]))]
        full = asked if "." in asked else identifier(spool, asked)
        found += jobs or [Refused(f"{command}: {unknown} {full}", UNKNOWN_JOB)]
    return found


def exit_status(spool: Spool, job: Job) -> int | None:
    """None for a job that never ran, and for one whose node was lost."""
    if job["outcome"] in OVER_LIMIT and not spool.settings["signal_statuses"]:
        return OVER_LIMIT[job["outcome"]][0]
    status = job["status"]
    return 256 - status if status is not None and status < 0 else status


def state(job: Job) -> str:
    if job["state"] == "queued":
        return "H" if job["held"] else "Q"
    if job["state"] == "running":
        return "E" if job["cancelled_by"] else "R"
    return "F"


def used(spool: Spool, job: Job) -> dict[str, Any]:
    return {
        "cpupercent": 0,
        "cput": core.clock(job["cpu"]),
        "mem": f"{job['memory_kb']}kb",
        "ncpus": int((re.findall(r"ncpus=(\d+)", str(job["resources"])) or [1])[0]),
        "vmem": f"{job['memory_kb']}kb",
        "walltime": core.clock(core.elapsed(spool, job)),
    }


def comment(job: Job) -> str:
    if job["started"] is None:
        return "Not Running: Insufficient amount of resource: ncpus" + (" and terminated" if job["ended"] else "")
    run = f"Job run at {time.strftime('%a %b %d at %H:%M', time.localtime(job['started']))} on (node01:ncpus=1)"
    over = OVER_LIMIT.get(job["outcome"])
    if job["state"] != "ended" or job["outcome"] == "node_failure":
        return run
    if over:
        return f"{run} and exceeded resource {over[1]}"
    if job["outcome"] == "cancelled":
        return f"{run} and terminated"
    return f"{run} and {'failed' if job['status'] else 'finished'}"


def attributes(spool: Spool, job: Job) -> Attributes:
    def date(moment: float) -> str:
        return time.strftime("%a %b %e %H:%M:%S %Y", time.localtime(moment))

    host = os.uname().nodename
    array = re.fullmatch(r"(\d+)\[(\d+)\]", job["key"])
    status = exit_status(spool, job)
    substate = {"H": 20, "Q": 10, "R": 42, "E": 51}.get(state(job))
    if substate is None:
        substate = 91 if job["outcome"] == "cancelled" else 92 if status == 0 else 93
    shown: Attributes = {
        "Job_Name": job["name"],
        "Job_Owner": f"{core.user()}@{host}",
        **({"resources_used": used(spool, job)} if job["started"] else {}),
        "job_state": state(job),
        "queue": job["queue"],
        "server": spool.settings["server"],
        **({"Account_Name": job["account"]} if job["account"] else {}),
        "Checkpoint": "u",
        "ctime": date(job["submitted"]),
        "Error_Path": f"{host}:{job['stderr']}",
        **({"exec_host": "node01/0", "exec_vnode": "(node01:ncpus=1)"} if job["started"] else {}),
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
        **({"stime": date(job["started"]), "session_id": job["pid"]} if job["started"] else {}),
        "jobdir": job["workdir"],
        "substate": substate,
        "Variable_List": job["carried"],
        "comment": comment(job),
        "etime": date(job["submitted"]),
        "run_count": 1 if job["started"] else 0,
        **({} if status is None else {"Exit_status": status}),
        "Submit_arguments": " ".join(job["arguments"]),
        **({"history_timestamp": int(job["ended"])} if job["ended"] else {}),
        **({"array_id": identifier(spool, f"{array[1]}[]"), "array_index": int(array[2])} if array else {}),
        "project": "_pbs_project_default",
    }
    return reported(job, shown)


def reported(job: Job, shown: Attributes) -> Attributes:
    return {name: value for name, value in (shown | job["report"]).items() if value is not None}


def merged(spool: Spool, jobs: list[Job]) -> Attributes:
    """An array as one: B when any of it has begun, F when all of it has ended."""
    states = {state(job) for job in jobs}
    statuses = [exit_status(spool, job) for job in jobs]
    whole = attributes(spool, jobs[0])
    for name in ("Exit_status", "array_index", "array_id", "exec_host", "exec_vnode", "session_id"):
        whole.pop(name, None)
    whole |= {"job_state": states.pop() if len(states) == 1 and states & {"F", "Q", "H"} else "B", "array": "True"}
    if whole["job_state"] == "F":
        whole["Exit_status"] = 0 if all(status == 0 for status in statuses) else 1
    return whole


# --- qstat ------------------------------------------------------------------------------------------------------------


def qstat(spool: Spool, arguments: list[str]) -> int:
    parser = core.parser("qstat")
    for name in ("-f", "-x", "-w", "-t", "-a", "-J", "-1", "-n", "-s", "-Q"):
        parser.add_argument(name, action="store_true", dest=f"option{name}")
    parser.add_argument("-F", choices=["json", "dsv"])
    parser.add_argument("-u")
    parser.add_argument("jobs", nargs="*")
    given = vars(parser.parse_args(arguments))
    if given["option-Q"]:
        print_full({name: queue(longest) for name, longest in QUEUES.items()}, 79, "\t", "Queue")
        return 0
    history = given["option-x"]
    shown: dict[str, Attributes] = {}
    errors: list[Refused] = []
    arrays = {j["key"].partition("[")[0] + "[]" if "[" in j["key"] else j["key"] for j in spool.jobs()}
    for asked in given["jobs"] or sorted(arrays):
        found = find(spool, "qstat", [asked])
        errors += [item for item in found if isinstance(item, Refused)]
        jobs = [item for item in found if not isinstance(item, Refused)]
        if not history and jobs and all(job["state"] == "ended" for job in jobs):
            if given["jobs"]:
                full = asked if "." in asked else identifier(spool, asked)
                use = "Job has finished, use -x or -H to obtain historical job information"
                errors.append(Refused(f"qstat: {full} {use}", FINISHED))
        elif jobs and asked.partition(".")[0].endswith("[]") and not given["option-t"]:
            shown[identifier(spool, asked.partition(".")[0])] = merged(spool, jobs)
        else:
            shown |= {identifier(spool, job["key"]): attributes(spool, job) for job in jobs}
    if given["F"] == "json":
        answer = {
            "timestamp": int(time.time()),
            "pbs_version": "23.06.06",
            "pbs_server": spool.settings["server"],
            **({"Jobs": shown} if shown else {}),  # with none there is no such key
        }
        print(json.dumps(answer, indent=4, separators=(",", ":")))
    elif given["F"]:
        for name, job in shown.items():
            print("|".join([f"Job Id: {name}", *(f"{key}={value}" for key, value in flat(job))]))
    elif given["option-f"]:
        print_full(shown, 0 if given["option-w"] else 79, "\t")
    else:
        print_table(shown)
    return complain(errors)


def queue(longest: str | None) -> Attributes:
    return {
        "queue_type": "Execution",
        "total_jobs": 0,
        "state_count": "Transit:0 Queued:0 Held:0 Waiting:0 Running:0 Exiting:0 Begun:0",
        **({"resources_max": {"ncpus": 512, "walltime": longest}} if longest else {}),
        "enabled": "True",
        "started": "True",
    }


def flat(job: Attributes) -> list[tuple[str, str]]:
    lines = []
    for name, value in job.items():
        if name == "Variable_List":
            lines.append((name, ",".join(f"{key}={item}" for key, item in value.items())))
        elif isinstance(value, dict):
            lines += [(f"{name}.{key}", str(item)) for key, item in value.items()]
        else:
            lines.append((name, str(value)))
    return lines


def print_full(shown: dict[str, Attributes], width: int, indent: str, head: str = "Job Id") -> None:
    """Long lines are folded, within words and names too; the rest begins with the indent."""
    for identifier, job in shown.items():
        print(f"{head}: {identifier}")
        for name, value in flat(job):
            line = f"    {name} = {value}"
            while width and len(line) > width:
                print(line[:width])
                line = indent + line[width:]
            print(line)
        print()


def print_table(shown: dict[str, Attributes]) -> None:
    if not shown:
        return
    print("Job id            Name             User              Time Use S Queue")
    print("----------------  ---------------- ----------------  -------- - -----")
    for identifier, job in shown.items():
        time_used = job.get("resources_used", {}).get("cput", "0")
        owner = job["Job_Owner"].partition("@")[0]
        row = f"{identifier[:16]:16}  {job['Job_Name'][:16]:16} {owner[:16]:16}  {time_used:>8} {job['job_state']} "
        print(row + job["queue"])


def complain(errors: list[Refused]) -> int:
    for error in errors:
        print(error, file=sys.stderr)
    return errors[-1].status if errors else 0


# --- qdel -------------------------------------------------------------------------------------------------------------


def qdel(spool: Spool, arguments: list[str]) -> int:
    parser = core.parser("qdel")
    parser.add_argument("-x", action="store_true")
    parser.add_argument("-W", action="append", default=[])
    parser.add_argument("jobs", nargs="+")
    given = parser.parse_args(arguments)
    errors = []
    for job in find(spool, "qdel", given.jobs):
        if isinstance(job, Refused):
            errors.append(job)
        elif job["state"] == "ended" and not given.x:
            errors.append(Refused(f"qdel: Job has finished {identifier(spool, job['key'])}", FINISHED))
        else:
            core.cancel(spool, job)
            if given.x:  # its history too
                spool.change(job["key"], forgotten=True)
    return complain(errors)


def finish(spool: Spool, job: Job, out: Path, err: Path) -> None:
    if job["outcome"] == "timeout":
        passed, limit = int(core.elapsed(spool, job)), int(job["walltime"] or 0)
        with (out if job["join"] else err).open("a") as stream:
            stream.write(f"=>> PBS: job killed: walltime {passed} exceeded limit {limit}\n")
    elif job["outcome"] == "out_of_memory":
        with (out if job["join"] else err).open("a") as stream:
            stream.write(f"=>> PBS: job killed: mem {job['memory_kb']}kb exceeded limit 1024kb\n")


COMMANDS = {"qsub": qsub, "qstat": qstat, "qdel": qdel}
