"""Bodies of ``adatom bench``."""
