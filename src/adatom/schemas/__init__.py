"""Results that jobs return, their files, and the metadata of materials databases."""
