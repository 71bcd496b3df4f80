"""PySCF as an ASE calculator: Hartree-Fock and density functionals for molecules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes

from adatom.calculators.spin import state_of
from adatom.errors import ConvergenceError, MissingExtraError

__all__ = ["PySCF"]


class PySCF(Calculator):
    """ASE calculator of PySCF, in this process.

    Parameters
    ----------
    xc
        Functional, by PySCF's name; None: Hartree-Fock.
    basis
        Basis set, by PySCF's name, or basis sets by element.
    charge, multiplicity
        Same as in `adatom.calculators.spin.state_of`. Above a multiplicity of 1 the calculation is spin-unrestricted.
    conv_tol
        Change of the energy, in Hartree, below which the SCF has converged.
    max_cycle
        Largest number of cycles of the SCF.
    grid_level
        Fineness of the grid of a functional, 0 to 9.
    grid_response
        Whether the forces of a functional have the terms of a grid that moves with the atoms.

    Raises
    ------
    MissingExtraError
        The package pyscf is not installed.
    """

    implemented_properties = ["energy", "free_energy", "forces", "dipole", "magmom"]  # noqa: RUF012
    default_parameters = {  # noqa: RUF012
        "xc": None,
        "basis": "def2-svp",
        "charge": None,
        "multiplicity": None,
        "conv_tol": 1e-9,
        "max_cycle": 50,
        "grid_level": 3,
        "grid_response": False,
    }
    discard_results_on_any_change = True

    def __init__(self, **kwargs: Any) -> None:
        try:
            import pyscf  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("pyscf", "pyscf") from error
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]

    def calculate(
        self, atoms: Atoms | None = None, properties: Sequence[str] = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Compute properties of a structure.

        Parameters
        ----------
        atoms, properties, system_changes
            Same as in the calculators of ASE.

        Raises
        ------
        ConvergenceError
            The SCF did not converge.
        """
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        solver = self._solver()
        energy = solver.kernel() * units.Hartree
        if not solver.converged:
            raise ConvergenceError(
                f"The SCF of PySCF did not converge in {self.parameters['max_cycle']} cycles. Raise max_cycle, or give "
                "another multiplicity or basis."
            )
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "dipole": solver.dip_moment(unit="AU", verbose=0) * units.Bohr,
            "magmom": float(solver.mol.spin),
        }
        if "forces" in properties:
            gradient = solver.nuc_grad_method()
            if self.parameters["xc"] is not None:
                gradient.grid_response = self.parameters["grid_response"]
            self.results["forces"] = -gradient.kernel() * units.Hartree / units.Bohr

    def _solver(self) -> Any:
        from pyscf import dft, gto, scf

        atoms, given = cast(Atoms, self.atoms), cast(dict[str, Any], self.parameters)
        charge, multiplicity = state_of(atoms, given["charge"], given["multiplicity"])
        molecule = gto.M(
            atom=list(zip(atoms.symbols, atoms.positions, strict=True)),
            unit=units.Bohr,  # Å in a Bohr, as ASE has it
            basis=given["basis"],
            charge=charge,
            spin=multiplicity - 1,
            verbose=0,
        )
        kinds = (scf.RHF, scf.UHF) if given["xc"] is None else (dft.RKS, dft.UKS)
        solver = kinds[multiplicity > 1](molecule)
        solver.conv_tol, solver.max_cycle = given["conv_tol"], given["max_cycle"]
        if given["xc"] is not None:
            solver.xc, solver.grids.level = given["xc"], given["grid_level"]
        return solver
