"""Journal of jobs: their states and inputs, written while they run."""
