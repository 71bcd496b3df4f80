"""The Lennard-Jones potential, with ASE's `LennardJones`."""
