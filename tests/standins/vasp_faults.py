"""What VASP says where it fails, and the input with which it does not: that of custodian's first correction.

``STANDIN_FAILS`` names one of them, or several with spaces between, of which the first that the input has not mended
counts.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Tags = dict[str, str]


def has(**wanted: str) -> Callable[[Tags], bool]:
    """Whether INCAR has such words, of which the beginning counts, or numbers."""

    def check(tags: Tags) -> bool:
        return all(same(tags.get(name, ""), value) for name, value in wanted.items())

    return check


def same(found: str, wanted: str) -> bool:
    try:
        return abs(float(found) - float(wanted)) < 1e-12
    except ValueError:
        return found.upper().strip(".").startswith(wanted)


def never(tags: Tags) -> bool:
    return False


def around_gamma(tags: Tags) -> bool:
    return Path("KPOINTS").exists() and Path("KPOINTS").read_text().splitlines()[2].startswith("G")


@dataclass
class Fault:
    """The words, when they are not said, and whether they go to the standard error."""

    words: str
    mended: Callable[[Tags], bool] = never
    to_errors: bool = False


WORDS = {
    "zbrent": Fault(
        " ZBRENT: fatal error in bracketing\n     please rerun with smaller EDIFF, or copy CONTCAR to POSCAR",
        has(NELMIN="8", EDIFF="1e-7"),
    ),
    "edddav": Fault(" Error EDDDAV: Call to ZHEGV failed. Returncode =  15 3 16", has(ALGO="A", ISEARCH="1")),
    "brmix": Fault(" BRMIX: very serious problems\n  the old and the new charge density differ", has(IMIX="1")),
    "memory": Fault("forrtl: severe (41): insufficient virtual memory"),
    "tet": Fault(" VERY BAD NEWS! internal error in subroutine\n Tetrahedron method fails (number of k-points < 4)",
                 has(ISMEAR="0")),
    "real_optlay": Fault(" REAL_OPTLAY: internal error (1)", has(LREAL="F")),
    "rhosyg": Fault(" internal error in RHOSYG: stars are not distinct", has(SYMPREC="1e-4")),
    "posmap": Fault(" POSMAP internal error: symmetry equivalent atom not found,", has(SYMPREC="1e-6")),
    "point_group": Fault(" ERROR: point group operation missing", has(ISYM="0")),
    "symprec_noise": Fault(" VASP internal: determination of the symmetry of your systems shows a strong",
                           has(SYMPREC="1e-6")),
    "too_few_bands": Fault(" TOO FEW BANDS", has(NBANDS="22")),
    "pricel": Fault(" internal error in subroutine PRICEL (probably precision problem):",
                    has(SYMPREC="1e-8", ISYM="0")),
    "eddrmm": Fault(" WARNING in EDDRMM: call to ZHEGV failed, returncode =   6  3      1", has(ALGO="N")),
    "zheev": Fault("ERROR EDDIAG: Call to routine ZHEEV failed! INFO=  1", has(ALGO="N")),
    "pssyevx": Fault(" ERROR in subspace rotation PSSYEVX: not enough eigenvalues found", has(ALGO="N")),
    "zpotrf": Fault(" LAPACK: Routine ZPOTRF failed!", has(ISYM="0")),
    "dentet": Fault(" VERY BAD NEWS! internal error in subroutine DENTET", around_gamma),
    "ksymm": Fault(" Fatal error detecting k-mesh symmetry", has(SYMPREC="1e-6")),
    "hnform": Fault(" HNFORM: k-point generating lattice", has(ISYM="0")),
    "algo_tet": Fault(" WARNING: ALGO=A and IALGO=5X tend to fail with the tetrahedron method", has(ALGO="F")),
    "read_error": Fault(" Error reading item NSW from file INCAR."),
    "mesh": Fault(" Reciprocal lattice and k-lattice belong to different class of lattices.", around_gamma),
    "star": Fault("internal error in GENERATE_KPOINTS_TRANS: number of G-vector changed in star", has(ISYM="0"), True),
}  # fmt: skip
# Those of a run that goes on, and the input without which it does so rightly.
MENDED = {
    "scf": has(ALGO="A", ISEARCH="1"),
    "slow": has(ALGO="A", ISEARCH="1"),
    "high": lambda tags: not same(tags.get("ALGO", ""), "F"),
    "climbs": has(POTIM="0.25"),
    "frozen": has(ALGO="N"),
    "entropy": lambda tags: float(tags["SIGMA"]) < 0.04,
}


def end_of(fault: str) -> int | None:
    """The exit status of a run that does not begin; None if it does."""
    if fault in WORDS:
        print(WORDS[fault].words, file=sys.stderr if WORDS[fault].to_errors else sys.stdout)
        return 1
    return None


def left(faults: str, tags: Tags) -> str:
    """The first fault that the input has not mended; empty if there is none."""
    mended = {**MENDED, **{name: fault.mended for name, fault in WORDS.items()}}
    return next((fault for fault in faults.split() if not mended.get(fault, never)(tags)), "")


def hang(seconds: float = 120, until: str = "") -> str:
    """Wait until something ends the program, or a file is there, whose text is returned."""
    sys.stdout.flush()
    last = time.monotonic() + seconds
    while time.monotonic() < last and not (until and Path(until).exists() and Path(until).read_text()):
        time.sleep(0.05)
    return Path(until).read_text() if until else ""
