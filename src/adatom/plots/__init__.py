"""Pictures of results and documents, drawn with matplotlib: one module for each kind of document."""
