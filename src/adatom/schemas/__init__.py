"""Result documents: what a job returns, how it is saved, and the metadata of materials databases."""
