"""Settings for a part of a script, and what a run leaves on disk."""

from pathlib import Path

from ase.build import bulk

from adatom import change_settings, get_settings
from adatom.recipes.emt import relax_job

with change_settings({"RESULTS_DIR": "copper", "GZIP": True}):  # for this block and for the jobs that it starts
    result = relax_job(bulk("Cu"), relax_cell=True)

directory = Path(result["dir_name"])
print(f"directory  {directory.parent.name}/{directory.name.rpartition('-')[0]}-...")
for file in sorted(directory.iterdir()):
    print(f"           {file.name}")
print(f"else       {get_settings().results_dir.name}, gzip {get_settings().gzip}")
