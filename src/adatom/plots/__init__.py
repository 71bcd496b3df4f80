"""Pictures of results, with matplotlib: one file for each kind of document."""
