"""What all codes share: their jobs and flows, written once."""
