"""Numbers of adatom beside the same numbers by independent routes: writes `docs/independent-routes.md`.

With names of fields, only these are computed and printed. The exit status is 1 if two numbers differ by more than is
allowed.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is imported

from _measure import scratch
from independent.fields import FIELDS
from independent.run import run

PAGE = Path(__file__).resolve().parents[1] / "docs" / "independent-routes.md"

if __name__ == "__main__":
    with scratch():
        status = run(sys.argv[1:], FIELDS, PAGE, __doc__)
    sys.exit(status)
