"""LSF 10: `bsub`, with the script on its standard input, `bjobs`, `bkill` and `bqueues -l`.

Not sure: that a job whose node is lost stays UNKWN for as long as that, the exit status of `bjobs` that finds no job
(255 when it was asked for it by number), the words of a failing connection: real commands wait there and try again.
"""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

from . import core
from .core import Job, Refused, Spool

SUBMIT = "bsub"
SETTINGS = {"first": 1234}
SIGNALS = {
    "timeout": [signal.SIGUSR2],  # so exit code 140
    "cancelled": [signal.SIGINT, signal.SIGTERM],  # 130
    "out_of_memory": [signal.SIGKILL],  # 137
}
REASONS = {
    "timeout": "TERM_RUNLIMIT: job killed after reaching LSF run time limit",
    "out_of_memory": "TERM_MEMLIMIT: job killed after reaching LSF memory usage limit",
    "owner": "TERM_OWNER: job killed by owner",
    "cancelled": "TERM_ADMIN: job killed by root or LSF administrator",
}
WIDTHS = {"JOBID": 7, "USER": 7, "STAT": 5, "QUEUE": 10, "FROM_HOST": 11, "EXEC_HOST": 11, "JOB_NAME": 10}


def refusal(message: str | None) -> Refused:
    return Refused(f"{message or 'nowhere: No such queue'}. Job not submitted.", 255)


def unreachable(spool: Spool, command: str) -> Refused:
    return Refused("Cannot connect to LSF. Please wait ...", 255)


# --- bsub -------------------------------------------------------------------------------------------------------------


def bsub(spool: Spool, arguments: list[str]) -> int:
    parser = core.parser("bsub")
    for name in ("-J", "-q", "-n", "-W", "-M", "-P", "-G", "-cwd", "-env", "-gpu", "-app", "-nnodes", "-alloc_flags"):
        parser.add_argument(name)
    for name in ("-o", "-oo", "-e", "-eo", "-L", "-u", "-w", "-Jd"):
        parser.add_argument(name)
    parser.add_argument("-R", action="append", default=[])
    for name in ("-x", "-H", "-r", "-rn", "-N", "-B"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    words = parser.parse_args(arguments).command
    text = " ".join(words) + "\n" if words else sys.stdin.read()
    # Directives are looked for in all of a script, not only above its commands.
    given = core.with_directives(parser, arguments, "" if words else text, "#BSUB", to_the_end=True)
    key = str(spool.number())
    name = given.J or (" ".join(words) if words else text.strip().splitlines()[0] if text.strip() else "")
    here = os.getcwd()
    limit = None
    if given.W:
        try:
            limit = core.seconds(given.W.partition("/")[0] + ":0")  # [hours:]minutes
        except ValueError:
            raise Refused(f"{given.W}: Bad RUNLIMIT specification. Job not submitted.", 255) from None

    def place(appended: str | None, overwritten: str | None, usual: str) -> str:
        path = Path(here, (overwritten or appended or os.devnull).replace("%J", key).replace("%I", "0"))
        if path.is_dir():
            path /= usual
        if overwritten:
            path.unlink(missing_ok=True)
        return str(path)

    workdir = str(Path(here, given.cwd.replace("%J", key))) if given.cwd else here
    Path(workdir).mkdir(parents=True, exist_ok=True)
    # The job has the environment of its submission, unless -env says otherwise.
    environment = dict(os.environ) if given.env in (None, "all") else core.login_environment(spool)
    environment |= {"LSB_JOBID": key, "LSB_JOBNAME": name, "LSB_JOBINDEX": "0", "LS_SUBCWD": here}
    environment |= {"LSB_QUEUE": given.q or "normal", "LSB_HOSTS": "node01", "LSB_DJOB_NUMPROC": given.n or "1"}
    core.submit(
        spool,
        key,
        text,
        name=name,
        queue=given.q or "normal",
        account=given.P or "default",
        resources={"n": given.n or "1", "W": given.W or ""},
        walltime=limit,
        workdir=workdir,
        environment=environment,
        stdout=place(given.o, given.oo, f"{key}.out"),
        stderr=place(given.e, given.eo, f"{key}.err"),
        join=not (given.e or given.eo),
        reports=bool(given.o or given.oo),
        cwd=here,
        shell=given.L or "/bin/sh",
        **({"held": True} if given.H else {}),
    )
    print(f"Job <{key}> is submitted to {'' if given.q else 'default '}queue <{given.q or 'normal'}>.")
    return 0


# --- bjobs ------------------------------------------------------------------------------------------------------------


def state(job: Job) -> str:
    if job["state"] == "queued":
        return "PSUSP" if job["held"] else "PEND"
    if job["state"] == "running":
        return "RUN"
    if job["outcome"] == "node_failure":  # lost, and nobody knows: ZOMBI once it was asked to end
        return "ZOMBI" if job["cancelled_by"] else "UNKWN"
    return "DONE" if job["outcome"] == "done" and job["status"] == 0 else "EXIT"


def exit_code(job: Job) -> str:
    """Empty for one that is DONE, too."""
    return str(job["status"] if job["status"] > 0 else 128 - job["status"]) if job["status"] else ""


def record(spool: Spool, job: Job) -> dict[str, str]:
    def date(moment: float | None) -> str:
        return time.strftime("%b %e %H:%M", time.localtime(moment)) if moment else ""

    reason = REASONS.get(job["outcome"], "")
    if job["outcome"] == "cancelled" and job["cancelled_by"]:
        reason = REASONS["owner"]
    waiting = (
        "The job was suspended by the user while pending;" if job["held"] else "New job is waiting for scheduling;"
    )
    node = "node01" if job["started"] else ""
    mark = " E" if state(job) == "EXIT" else " L"
    cells = {
        "JOBID": job["key"],
        "JOBINDEX": "0",
        "STAT": state(job),
        "USER": core.user(),
        "QUEUE": job["queue"],
        "JOB_NAME": job["name"],
        "JOB_DESCRIPTION": "",
        "PROJ_NAME": job["account"],
        "EXIT_CODE": exit_code(job),
        "EXIT_REASON": reason,
        "PEND_REASON": waiting if job["state"] == "queued" else "",
        "FROM_HOST": os.uname().nodename,
        "EXEC_HOST": node,
        "FIRST_HOST": node,
        "NEXEC_HOST": "1" if node else "",
        "NREQ_SLOT": job["resources"]["n"],
        "SUBMIT_TIME": date(job["submitted"]),
        "START_TIME": date(job["started"]),
        "FINISH_TIME": date(job["ended"]) + mark if job["ended"] else "",
        "RUN_TIME": f"{int(core.elapsed(spool, job))} second(s)",
        "RUNTIMELIMIT": "" if job["walltime"] is None else f"{job['walltime'] / 60:.1f}",
        "CPU_USED": f"{job['cpu']:.1f} second(s)",
        "MAX_MEM": f"{job['memory_kb'] / 1024:.0f} Mbytes",
        "PIDS": str(job["pid"] or ""),
        "SUB_CWD": job["cwd"],
        "EXEC_CWD": job["workdir"] if node else "",
        "OUTPUT_FILE": job["stdout"],
        "ERROR_FILE": job["stderr"],
    }
    return cells | {name.upper(): str(value) for name, value in job["report"].items()}


def bjobs(spool: Spool, arguments: list[str]) -> int:
    parser = core.parser("bjobs")
    for name in ("-a", "-w", "-d", "-r", "-p", "-s", "-X", "-json", "-noheader"):
        parser.add_argument(name, action="store_true")
    for name in ("-o", "-u", "-J", "-q"):
        parser.add_argument(name)
    parser.add_argument("jobs", nargs="*")
    given = parser.parse_args(arguments)
    rows = {job["key"]: record(spool, job) for job in spool.jobs()}
    missing = [asked for asked in given.jobs if asked not in rows]
    wanted = {"p": {"PEND"}, "r": {"RUN"}, "s": {"PSUSP", "USUSP", "SSUSP"}, "d": {"DONE", "EXIT"}}
    states = set().union(*(states for option, states in wanted.items() if getattr(given, option)))
    if given.jobs:  # those that ended not long ago too
        shown = [rows[asked] for asked in given.jobs if asked in rows]
    else:
        shown = [row for row in rows.values() if given.a or states or row["STAT"] not in ("DONE", "EXIT")]
    shown = [
        row
        for row in shown
        if (not states or row["STAT"] in states)
        and given.J in (None, row["JOB_NAME"])
        and given.q in (None, row["QUEUE"])
    ]
    fields = (given.o or "jobid user stat queue from_host exec_host job_name submit_time").split()
    delimiter = next((field.partition("=")[2].strip("'\"") for field in fields if field.startswith("delimiter=")), None)
    names = [field.partition(":")[0].upper() for field in fields if not field.startswith("delimiter=")]
    if unknown := [name for name in names if rows and name not in next(iter(rows.values()))]:
        raise Refused(f"{unknown[0].lower()}: Illegal field name.", 255)
    if given.json:
        records = [{name: row[name] for name in names} for row in shown]
        lost = [{"JOBID": asked, "ERROR": f"Job <{asked}> is not found"} for asked in missing]
        whole = {"COMMAND": "bjobs", "JOBS": len(records) + len(lost), "RECORDS": [*records, *lost]}
        print(json.dumps(whole, indent=2, separators=(",", ":")))
        return 255 if missing else 0
    if shown and not given.noheader:
        shown.insert(0, {name: name for name in names})
    for row in shown:
        cells = [row[name] or "-" for name in names]
        if delimiter:
            print(delimiter.join(cells))
        else:  # only those who ask for fields get them whole
            widths = [WIDTHS.get(name, 14) for name in names]
            cut = not given.w and not given.o
            pairs = zip(cells, widths, strict=True)
            print(" ".join(f"{cell[:width] if cut else cell:{width}}" for cell, width in pairs))
    for asked in missing:
        print(f"Job <{asked}> is not found", file=sys.stderr)
    if not shown and not missing:
        print("No job found" if given.a else "No unfinished job found", file=sys.stderr)
    return 255 if missing else 0


# --- bkill ------------------------------------------------------------------------------------------------------------


def bkill(spool: Spool, arguments: list[str]) -> int:
    parser = core.parser("bkill")
    parser.add_argument("-r", action="store_true")
    parser.add_argument("-s")
    parser.add_argument("jobs", nargs=argparse.ONE_OR_MORE)
    status = 0
    for key in parser.parse_args(arguments).jobs:
        job = spool.job(key)
        if job is None:
            print(f"Job <{key}>: No matching job found", file=sys.stderr)
            status = 255
        elif state(job) in ("DONE", "EXIT"):
            print(f"Job <{key}>: Job has already finished", file=sys.stderr)
            status = 255
        else:
            core.cancel(spool, job)
            if job["outcome"] == "node_failure":
                spool.change(key, cancelled_by="owner")
            print(f"Job <{key}> is being terminated")
    return status


# --- bqueues ----------------------------------------------------------------------------------------------------------

# Limits as openlava's bqueues.c has them, which LSF's is kin to: without any by default, the longest have no heading.
LIMITS = {
    "normal": "",
    "short": "\n RUNLIMIT\n 60.0 min of hostA\n\n PROCLIMIT\n 64\n",
    "long": """
DEFAULT LIMITS:
 RUNLIMIT
 60.0 min of hostA

MAXIMUM LIMITS:
 CPULIMIT              RUNLIMIT
 20.0 min of hostA     4320.0 min of hostA

 MEMLIMIT
     16 G
""",
}


def bqueues(spool: Spool, arguments: list[str]) -> int:
    parser = core.parser("bqueues")
    parser.add_argument("-l", action="store_true", required=True)
    parser.parse_args(arguments)
    for number, (name, limits) in enumerate(LIMITS.items()):
        if number:
            print(f"{'-' * 79}\n")
        print(f"QUEUE: {name}\n  -- Jobs of the group {name}.\n\nPARAMETERS/STATISTICS")
        print("PRIO NICE STATUS          MAX JL/U JL/P JL/H NJOBS  PEND   RUN SSUSP USUSP  RSV")
        print(" 30   20  Open:Active       -    -    -    -     0     0     0     0     0    0")
        print(f"{limits}\nSCHEDULING PARAMETERS\n           r15s   r1m  r15m\n loadSched   -     -     -\n")
        print("USERS:  all users\nHOSTS:  all\n")
    return 0


def finish(spool: Spool, job: Job, out: Path, err: Path) -> None:
    """What LSF writes about a job into its output file. Really it comes before the output when it is not written in
    place; it is after it here, as with LSB_STDOUT_DIRECT.
    """
    if not job["reports"]:
        return
    reason = record(spool, job)["EXIT_REASON"]
    ended = f"Exited with exit code {exit_code(job)}." if exit_code(job) else "Successfully completed."
    with out.open("a") as stream:
        stream.write(f"\n{'-' * 60}\nSender: LSF System <lsfadmin@node01>\n")
        stream.write(f"Subject: Job {job['key']}: <{job['name']}> in cluster <fake>\n\n")
        stream.write(f"{reason}.\n{ended}\n" if reason else f"{ended}\n")


COMMANDS = {"bsub": bsub, "bjobs": bjobs, "bkill": bkill, "bqueues": bqueues}
