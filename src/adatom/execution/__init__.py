"""The engine room: everything between a call that is ready and its outcome."""
