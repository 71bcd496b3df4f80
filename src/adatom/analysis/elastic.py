"""Elastic constants of a crystal, fitted to its stresses under strain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

from adatom.atoms.convert import to_pymatgen
from adatom.atoms.deformations import deformation
from adatom.errors import AnalysisError

__all__ = ["Averages", "Elasticity", "FittingData", "Matrix", "fit_elastic_tensor"]

Array = NDArray[np.float64]

_VOIGT = ((0, 1, 2, 1, 0, 0), (0, 1, 2, 2, 2, 1))
_ENGINEERING = np.array([1, 1, 1, 2, 2, 2])


class Matrix(TypedDict):
    """Tensor of fourth rank in Voigt's notation (xx, yy, zz, yz, xz, xy).

    Attributes
    ----------
    raw
        Components in the Cartesian axes of the crystal as it was given, shape (6, 6).
    ieee_format
        Components in the axes of the IEEE standard on piezoelectricity, 176-1987, which do not depend on the cell that
        was given, shape (6, 6).
    """

    raw: Array
    ieee_format: Array


class Averages(TypedDict):
    """Averages of a modulus over the orientations of a polycrystal, in GPa.

    Attributes
    ----------
    voigt, reuss
        Upper bound in GPa, for equal strain everywhere, and lower bound in GPa, for equal stress everywhere.
    vrh
        Mean of both bounds in GPa, by Hill.
    """

    voigt: float
    reuss: float
    vrh: float


class FittingData(TypedDict):
    """Strains and stresses that an elastic tensor was fitted to. P is the number of points.

    Attributes
    ----------
    deformations
        Deformation gradients F, symmetric, shape (P, 3, 3).
    strains
        Green-Lagrange strains E = (FᵀF - 1)/2, shape (P, 3, 3).
    cauchy_stresses
        Stresses σ of the deformed crystals in GPa, tension positive, shape (P, 3, 3).
    second_pk_stresses
        Second Piola-Kirchhoff stresses det(F) F⁻¹ σ F⁻ᵀ in GPa, shape (P, 3, 3).
    """

    deformations: Array
    strains: Array
    cauchy_stresses: Array
    second_pk_stresses: Array


class Elasticity(TypedDict):
    """Elastic constants of a crystal.

    Fields that emmet-core's ``ElasticityDoc`` has too have the names and units that it gives them.

    Attributes
    ----------
    name
        Kind of document: ``"elasticity"``.
    elastic_tensor
        Stiffness in GPa: second derivatives of the energy by the Green-Lagrange strain, per volume without strain.
    compliance_tensor
        Inverse of the stiffness in 1/TPa.
    bulk_modulus, shear_modulus
        Moduli of the polycrystal in GPa.
    young_modulus
        Young's modulus of the polycrystal in Pa, as emmet-core has it.
    homogeneous_poisson
        Poisson's ratio of the polycrystal.
    universal_anisotropy
        5 G(Voigt) / G(Reuss) + K(Voigt) / K(Reuss) - 6, by Ranganathan and Ostoja-Starzewski, Phys. Rev. Lett. 101,
        055504 (2008); 0 if the crystal is isotropic.
    eigenvalues
        Eigenvalues of the stiffness matrix in IEEE axes, in GPa, ascending, shape (6,).
    stable
        Whether all eigenvalues are positive: Born's criterion, by Mouhat and Coudert, Phys. Rev. B 90, 224104 (2014).
    residual
        Root mean square of the components of the second Piola-Kirchhoff stresses minus those that are linear in the
        strain, in GPa.
    residual_stress
        Stress of the crystal without strain in GPa, tension positive, shape (3, 3). Where it is not small the crystal
        was not relaxed, and the stiffness is not that of a crystal at rest.
    fitting_data
        Strains and stresses that the tensor was fitted to.
    failed
        By name of a strain, such as ``"xx+0.01"``, the reason why its point is missing.
    """

    name: str
    elastic_tensor: Annotated[Matrix, "GPa"]
    compliance_tensor: Annotated[Matrix, "1/TPa"]
    bulk_modulus: Annotated[Averages, "GPa"]
    shear_modulus: Annotated[Averages, "GPa"]
    young_modulus: Annotated[float, "Pa"]
    homogeneous_poisson: float
    universal_anisotropy: float
    eigenvalues: Annotated[Array, "GPa"]
    stable: bool
    residual: Annotated[float, "GPa"]
    residual_stress: Annotated[Array, "GPa"]
    fitting_data: FittingData
    failed: dict[str, str]


def fit_elastic_tensor(
    atoms: Atoms, strains: Sequence[Array], stresses: Sequence[Array], rotations: Array | None = None
) -> Elasticity:
    """Fit the elastic tensor of a crystal to its stresses under strain.

    The derivative of the stress along each direction of strain is that of a polynomial of third degree in the size of
    the strain, or of the highest degree that the points allow; the tensor is fitted to the derivatives by least
    squares.

    Parameters
    ----------
    atoms
        Crystal without strain; its cell defines the IEEE axes.
    strains
        Green-Lagrange strain tensors, shape (P, 3, 3), that of the crystal without strain among them.
    stresses
        Stress of the crystal under the symmetric deformation of each strain, as ASE gives it: Cauchy's in eV/Å³,
        tension positive, shape (P, 6): xx, yy, zz, yz, xz, xy.
    rotations
        Point group of the crystal in Cartesian coordinates, shape (G, 3, 3): a point then stands for all its images
        under the rotations too. None: each point stands for itself only.

    Raises
    ------
    AnalysisError
        The strains do not determine the tensor, or the tensor is singular.
    """
    from pymatgen.core.elasticity import ElasticTensor

    data = _fitting_data(np.asarray(strains, dtype=float), np.asarray(stresses, dtype=float))
    turns = np.eye(3)[None] if rotations is None else rotations
    directions, slopes, at_rest = _derivatives(
        _turned(turns, data["strains"]), _turned(turns, data["second_pk_stresses"]), data["strains"]
    )
    unknown = _voigt(_turned(turns, directions)) * _ENGINEERING
    solution, _, rank, _ = np.linalg.lstsq(unknown, _voigt(_turned(turns, slopes)), rcond=1e-6)
    if rank < 6:
        raise AnalysisError(
            f"{len(data['strains'])} points determine {rank} of the 6 columns of the elastic tensor. Give strains in "
            "all directions, and the crystal without strain or strains of two sizes."
        )
    tensor = ElasticTensor.from_voigt((solution + solution.T) / 2)
    ieee = tensor.convert_to_ieee(to_pymatgen(atoms), initial_fit=False)
    try:
        compliances = [np.linalg.inv(each.voigt) * 1000 for each in (tensor, ieee)]
    except np.linalg.LinAlgError as error:
        raise AnalysisError(f"The elastic tensor has no inverse. It is, in GPa: {tensor.voigt.tolist()}.") from error
    eigenvalues = np.linalg.eigvalsh(ieee.voigt)
    at_rest = _turned(turns, at_rest).mean(axis=0)
    linear = at_rest + np.einsum("ijkl,pkl->pij", tensor, data["strains"])
    return {
        "name": "elasticity",
        "elastic_tensor": {"raw": np.array(tensor.voigt), "ieee_format": np.array(ieee.voigt)},
        "compliance_tensor": {"raw": compliances[0], "ieee_format": compliances[1]},
        "bulk_modulus": _averages(tensor, "k"),
        "shear_modulus": _averages(tensor, "g"),
        "young_modulus": float(tensor.y_mod),
        "homogeneous_poisson": float(tensor.homogeneous_poisson),
        "universal_anisotropy": float(tensor.universal_anisotropy),
        "eigenvalues": eigenvalues,
        "stable": bool(eigenvalues[0] > 0),
        "residual": float(np.sqrt(np.mean((data["second_pk_stresses"] - linear) ** 2))),
        "residual_stress": at_rest,
        "fitting_data": data,
        "failed": {},
    }


def _derivatives(strains: Array, stresses: Array, given: Array) -> tuple[Array, Array, Array]:
    """Return unit strains along those given, derivatives of the stress along them, and the stress without strain."""
    directions: list[Array] = []
    found: list[Array] = []
    for strain in given[np.abs(given).max(axis=(1, 2)) > 0]:
        direction = strain / np.linalg.norm(strain)
        if any(abs(np.sum(direction * other)) > 1 - 1e-6 for other in directions):
            continue
        sizes = np.einsum("pij,ij->p", strains, direction)
        along = np.abs(strains - sizes[:, None, None] * direction).max(axis=(1, 2)) < 1e-6
        degree = min(3, len(np.unique(sizes[along].round(6))) - 1)
        if degree > 0:
            directions.append(direction)
            found.append(np.polynomial.polynomial.polyfit(sizes[along], stresses[along].reshape(-1, 9), degree)[:2])
    values = np.reshape(found, (-1, 2, 3, 3))
    return np.reshape(directions, (-1, 3, 3)), values[:, 1], values[:, 0]


def _turned(turns: Array, tensors: Array) -> Array:
    """Return the images of tensors, shape (P, 3, 3), under the rotations of the point group, shape (G P, 3, 3)."""
    return np.einsum("gij,pjk,glk->gpil", turns, tensors, turns).reshape(-1, 3, 3)


def _fitting_data(strains: Array, stresses: Array) -> FittingData:
    gradients = np.array([deformation(strain) for strain in strains])
    cauchy = stresses[:, [[0, 5, 4], [5, 1, 3], [4, 3, 2]]] / units.GPa
    inverse = np.linalg.inv(gradients)
    second = np.linalg.det(gradients)[:, None, None] * (inverse @ cauchy @ inverse.swapaxes(1, 2))
    return {"deformations": gradients, "strains": strains, "cauchy_stresses": cauchy, "second_pk_stresses": second}


def _voigt(tensors: Array) -> Array:
    return tensors[..., _VOIGT[0], _VOIGT[1]]


def _averages(tensor: Any, modulus: str) -> Averages:
    voigt, reuss, vrh = (float(getattr(tensor, f"{modulus}_{kind}")) for kind in ("voigt", "reuss", "vrh"))
    return {"voigt": voigt, "reuss": reuss, "vrh": vrh}
