"""Numbers of adatom beside the same numbers by independent routes, a file for each field.

What `theirs` computes imports nothing of adatom.
"""
