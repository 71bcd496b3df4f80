"""Recipes: ready-made jobs and flows, a module or package for each code.

`common` has the jobs and flows that all codes share, and `registry` finds recipes by name.
"""
