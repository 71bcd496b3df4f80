"""What became of each job, written down while it runs."""
