"""Jobs and flows that all codes share, each written once."""
