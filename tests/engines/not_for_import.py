"""A module with the name of a job: nothing may take the one for the other."""

raise RuntimeError("imported because a job has this name")
