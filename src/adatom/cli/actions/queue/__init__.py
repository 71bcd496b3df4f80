"""Bodies of ``adatom queue``."""
