"""adatom under the names of other tools."""
