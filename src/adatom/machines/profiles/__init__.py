"""Profiles: TOML tables in a repository or a home, which say what runs, with which resources and on which machine."""
