"""Which potential can be trusted: curves of two atoms, and what must hold for any potential."""

from adatom import get_settings
from adatom.arena import leaderboard, run_benchmarks, write_page

if __name__ == "__main__":
    records = run_benchmarks(
        ["diatomics", "extensivity", "locality"], ["emt", "lj"], elements=["Cu", "Al"], timeout=120
    )
    print(f"{get_settings().workflow_engine}: {len(records)} records")
    for row in leaderboard(records)["models"]:
        scores = {name: round(one["score"], 2) for name, one in row["benchmarks"].items() if one}
        print(row["rank"], row["model"], scores)
    write_page(records, "bench.html")  # opens from disk
