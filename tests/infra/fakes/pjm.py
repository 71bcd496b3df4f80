"""PJM, the batch system of Fugaku and other Fujitsu machines: `pjsub`, `pjstat`, `pjdel`.

Tables are as users of Fugaku and the tests of tools for it show them. Not sure: where a job with a lost node is shown
and its numbers, the signal of a deleted job, most lines of `-s`, the names that `--choose` takes beyond jid, st, ec, pc
and ermsg, the messages about jobs that are not there and about a failing connection.
"""

import argparse
import os
import re
import signal
import sys
import time
from pathlib import Path

from . import core
from .core import Job, Refused, Spool

SUBMIT = "pjsub"
SETTINGS = {"first": 43607196}
SIGNALS = {"timeout": [signal.SIGXCPU], "cancelled": [signal.SIGTERM], "out_of_memory": [signal.SIGKILL]}

# PJM codes, and what is the reason; a table has room for 16 characters of it.
ENDS = {
    "timeout": ("11", "ELAPSE LIMIT EXCEEDED"),
    "out_of_memory": ("12", "LIMIT OVER MEMORY"),
    "node_failure": ("20", "NODE DOWN"),
    "cancelled": ("1", "-"),
}

COLUMNS = {  # name: (width, what --choose calls it)
    "JOB_ID": (10, "jid"),
    "JOB_NAME": (10, "jnam"),
    "MD": (2, "md"),
    "ST": (3, "st"),
    "USER": (8, "usr"),
    "GROUP": (8, "grp"),
    "START_DATE": (15, "sdt"),
    "ELAPSE_TIM": (10, "elp"),
    "ELAPSE_LIM": (21, "elpl"),
    "NODE_REQUIRE": (15, "nnumr"),
    "VNODE": (6, "vnnumr"),
    "CORE": (4, "cnumr"),
    "V_MEM": (12, "mszr"),
    "V_POL": (5, "vpol"),
    "E_POL": (5, "epol"),
    "RANK": (9, "rank"),
    "LST": (3, "lst"),
    "EC": (3, "ec"),
    "PC": (3, "pc"),
    "SN": (2, "sn"),
    "PRI": (3, "pri"),
    "ACCEPT": (14, "adt"),
    "RSC_GRP": (8, "rscg"),
    "REASON": (16, "ermsg"),
    "MAX MEMORY SIZE (USE)": (16, "mmszu"),  # these two with `-s` only, not with `-v`
    "NODE ID (USE)": (16, "nidlu"),
}
PLAIN = ["JOB_ID", "JOB_NAME", "MD", "ST", "USER", "START_DATE", "ELAPSE_LIM", "NODE_REQUIRE", "VNODE", "CORE", "V_MEM"]


def refusal(message: str | None) -> Refused:
    return Refused(f"[ERR.] PJM 0057 pjsub {message or 'node=32 is greater than the upper limit (24).'}", 1)


def unreachable(spool: Spool, command: str) -> Refused:
    return Refused(f"[ERR.] PJM 0090 {command} Communication with the job manager failed.", 1)


# --- pjsub ------------------------------------------------------------------------------------------------------------


def pjsub(spool: Spool, arguments: list[str]) -> int:
    parser = core.parser("pjsub")
    parser.add_argument("-L", "--rsc-list", action="append", default=[])
    for name in ("--mpi", "--llio", "-x"):
        parser.add_argument(name, action="append", default=[])
    parser.add_argument("-N", "--name")
    parser.add_argument("-g", "--group")
    parser.add_argument("-o", "--out")
    parser.add_argument("-e", "--err")
    for name in ("--spath", "-z", "-m", "--mail-list", "-p", "--comment", "--at"):
        parser.add_argument(name)
    parser.add_argument("-X", action="store_true")
    parser.add_argument("-j", action="store_true")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-S", action="store_true", dest="statistics")
    for name in ("--restart", "--norestart", "--no-check-directory", "--bulk", "--step", "--interact"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("--sparam")
    parser.add_argument("script", nargs="?")
    path = parser.parse_args(arguments).script
    if path is None:
        text = sys.stdin.read()
    else:
        try:
            text = Path(path).read_text()
        except OSError:
            raise Refused(f"[ERR.] PJM 0003 pjsub Cannot open the script file: {path}", 1) from None
    given = core.with_directives(parser, arguments, text, "#PJM")
    for name in ("bulk", "step", "interact"):
        if getattr(given, name):
            raise Refused(f"[ERR.] PJM 0070 pjsub No execute permission: pjsub-{name}.", 1)
    wanted = core.resources(given.rsc_list)
    try:
        walltime = core.seconds(wanted["elapse"].rpartition("-")[2]) if "elapse" in wanted else None
    except ValueError:
        raise Refused(f"[ERR.] PJM 0050 pjsub Invalid argument: elapse={wanted['elapse']}.", 1) from None
    key = str(spool.number())
    name = given.name or (Path(path).name if path else "STDIN")
    here = os.getcwd()

    def place(asked: str | None, usual: str) -> str:
        wanted = Path(here, (asked or usual).replace("%j", key).replace("%n", name))
        return str(wanted / usual if wanted.is_dir() else wanted)

    # Without -X the environment of the submission stays behind; -x sets or carries single variables.
    environment = core.login_environment(spool) | (dict(os.environ) if given.X else {})
    for item in (item for text in given.x for item in text.split(",")):
        variable, equals, value = item.partition("=")
        if equals or variable in os.environ:
            environment[variable] = value if equals else os.environ[variable]
    environment |= {"PJM_JOBID": key, "PJM_JOBNAME": name, "PJM_O_WORKDIR": here, "PJM_JOBDIR": here}
    environment |= {"PJM_ENVIRONMENT": "BATCH", "PJM_NODE": wanted.get("node", "1").partition(":")[0]}
    core.submit(
        spool,
        key,
        text,
        name=name,
        queue=wanted.get("rscgrp", "small"),
        account=given.group or "ra000000",
        resources=wanted,
        walltime=walltime,
        workdir=here,
        environment=environment,
        stdout=place(given.out, f"{name}.{key}.out"),
        stderr=place(given.err, f"{name}.{key}.err"),
        join=given.j,
        statistics=place(given.spath, f"{name}.{key}.stats") if given.s or given.statistics or given.spath else None,
    )
    print(key if given.z == "jid" else f"[INFO] PJM 0000 pjsub Job {key} submitted.")
    return 0


# --- pjstat -----------------------------------------------------------------------------------------------------------


def row(spool: Spool, job: Job) -> dict[str, str]:
    def date(moment: float) -> str:
        return time.strftime("%m/%d %H:%M:%S", time.localtime(moment))

    status = job["status"] or 0
    code, reason = ENDS.get(job["outcome"], ("0", "-"))
    ended = {"done": "EXT", "cancelled": "CCL", "stopped": "CCL", "node_failure": "ERR"}.get(job["outcome"], "EXT")
    before = "HLD" if job["held"] else "QUE"
    start = "-"
    if job["started"]:
        start = date(job["started"])
    elif job["start_at"]:
        start = time.strftime("(%m/%d %H:%M)", time.localtime(job["start_at"]))  # foreseen
    limit = "-" if job["walltime"] is None else core.clock(job["walltime"], 4)
    cells = {
        "JOB_ID": job["key"],
        "JOB_NAME": job["name"],
        "MD": "NM",
        "ST": {"queued": before, "running": "RUN"}.get(job["state"], ended),
        "USER": core.user(),
        "GROUP": job["account"],
        "START_DATE": start,
        "ELAPSE_TIM": core.clock(core.elapsed(spool, job), 4),
        "ELAPSE_LIM": limit,
        "NODE_REQUIRE": job["resources"].get("node", "1"),
        "VNODE": "-",
        "CORE": "-",
        "V_MEM": "-",
        "V_POL": "-",
        "E_POL": "-",
        "RANK": "bychip",
        "LST": {"queued": "ACC", "running": "RNE"}.get(job["state"], "RNO" if job["started"] else "QUE"),
        # A script that a signal ended has exit code 0 here: the signal is SN.
        "EC": "-" if job["outcome"] == "node_failure" else str(max(status, 0)),
        "PC": code,
        "SN": str(max(-status, 0)),
        "PRI": "127",
        "ACCEPT": date(job["submitted"]),
        "RSC_GRP": job["queue"],
        "REASON": reason,
        "MAX MEMORY SIZE (USE)": f"{job['memory_kb'] / 1024:.1f} MiB ({job['memory_kb'] * 1024})",
        "NODE ID (USE)": "0x0127000B" if job["started"] else "-",
    }
    return cells | {name: str(value) for name, value in job["report"].items()}


def in_history(cells: dict[str, str]) -> bool:
    return cells["ST"] in ("EXT", "CCL", "RJT")  # ERR and HLD wait for somebody, and are with those that run


def pjstat(spool: Spool, arguments: list[str]) -> int:
    # A period may follow -H (`-H day=3`), and so may a job.
    words = [word for word in arguments if not re.match(r"(day|hour|start|end)=", word)]
    parser = core.parser("pjstat")
    for name in ("-v", "-H", "-s", "-S", "-E", "-A", "--with-summary", "--data"):
        parser.add_argument(name, action="store_true", dest=f"option{name}")
    parser.add_argument("--choose")
    parser.add_argument("--filter")
    parser.add_argument("jobs", nargs="*")
    given = vars(parser.parse_args(words))
    asked = given["jobs"]
    if given["filter"]:
        asked = asked + re.split(r"[+,]", given["filter"].removeprefix("jid="))
    for identifier in asked:
        if not re.fullmatch(r"\d+(-\d+)?", identifier):
            raise Refused(f"[ERR.] PJM 0211 pjstat Invalid jobid: {identifier}.", 1)
    rows = [(job, row(spool, job)) for job in spool.jobs() if not asked or job["key"] in asked]
    rows = [(job, cells) for job, cells in rows if in_history(cells) == given["option-H"]]
    if (given["option-s"] or given["option-S"]) and not given["option--data"]:
        for job, cells in rows:
            print(statistics(spool, job, cells))
        return 0
    if asked and not rows:
        return 0  # no header either
    if given["option--with-summary"]:
        _summary([cells for _, cells in rows])
    names = list(COLUMNS)[:-2] if given["option-v"] else PLAIN
    if given["choose"]:
        short = {choice: name for name, (_, choice) in COLUMNS.items()}
        try:
            names = [short[choice] for choice in given["choose"].split(",")]
        except KeyError as error:
            raise Refused(f"[ERR.] PJM 0050 pjstat Invalid argument: {error.args[0]}.", 1) from None
    if given["option--data"]:  # a letter says what a line is
        print(",".join(["H", *names]))
        for _, cells in rows:
            print(",".join(["", *(cells[name] for name in names)]))
        return 0
    for cells in ({name: name for name in names}, *(cells for _, cells in rows)):
        print(" ".join(f"{cells[name][: COLUMNS[name][0]]:{COLUMNS[name][0]}}" for name in names))
    return 0


def _summary(rows: list[dict[str, str]]) -> None:
    titles = {"ACCEPT": "ACC", "QUEUED": "QUE", "STGIN": "-", "READY": "-", "RUNING": "RUN", "RUNOUT": "RNO"}
    titles |= {"STGOUT": "-", "HOLD": "HLD", "ERROR": "ERR"}
    counts = [sum(cells["ST"] == state for cells in rows) for state in titles.values()]
    print("\n " + "".join(f"{title:>7}" for title in (*titles, "TOTAL")))
    for mark in " s":
        print(mark + "".join(f"{count:7d}" for count in (*counts, len(rows))))
    print()


def statistics(spool: Spool, job: Job, cells: dict[str, str]) -> str:
    signalled = cells["SN"] != "0"
    lines = {
        "JOB ID": cells["JOB_ID"],
        "JOB NAME": job["name"],
        "JOB TYPE": "BATCH",
        "JOB MODEL": cells["MD"],
        "RETRY NUM": "0",
        "USER": cells["USER"],
        "PROJECT": cells["GROUP"],
        "RESOURCE GROUP": cells["RSC_GRP"],
        "PRIORITY": cells["PRI"],
        "LAST STATE": cells["LST"],
        "STATE": cells["ST"],
        "ACCEPT DATE": time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(job["submitted"])),
        "EXIT CODE": "-" if signalled else cells["EC"],
        "SIGNAL NO": cells["SN"] if signalled else "-",
        "REASON": cells["REASON"],
        "PJM CODE": cells["PC"],
        "ELAPSE TIME (LIMIT)": "-" if job["walltime"] is None else f"{cells['ELAPSE_LIM']} ({job['walltime']:.0f})",
        "ELAPSE TIME (USE)": f"{cells['ELAPSE_TIM']} ({core.elapsed(spool, job):.0f})",
        "MAX MEMORY SIZE (USE)": f"{job['memory_kb'] / 1024:.1f} MiB",
    }
    return "\n".join(f" {name:30}: {value}" for name, value in lines.items()) + "\n"


# --- pjdel ------------------------------------------------------------------------------------------------------------


def pjdel(spool: Spool, arguments: list[str]) -> int:
    parser = core.parser("pjdel")
    parser.add_argument("jobs", nargs=argparse.ONE_OR_MORE)
    status = 0
    for key in parser.parse_args(arguments).jobs:
        job = spool.job(key)
        if job is None or in_history(row(spool, job)):
            print(f"[ERR.] PJM 0112 pjdel Job {key} does not exist.", file=sys.stderr)
            status = 1
        else:
            core.cancel(spool, job)
            print(f"[INFO] PJM 0100 pjdel Accepted job {key}.")
    return status


def finish(spool: Spool, job: Job, out: Path, err: Path) -> None:
    if job["statistics"]:
        Path(job["statistics"]).write_text(statistics(spool, job, row(spool, job)))


COMMANDS = {"pjsub": pjsub, "pjstat": pjstat, "pjdel": pjdel}
