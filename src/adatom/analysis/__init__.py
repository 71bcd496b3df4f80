"""From results to properties: pure functions, no engine and no file in sight."""
