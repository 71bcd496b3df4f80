import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk

from adatom.analysis.elastic import fit_elastic_tensor
from adatom.atoms.deformations import deformation, independent_strains, make_strains
from adatom.atoms.symmetry import point_group
from adatom.errors import AnalysisError

PAIRS = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
SIZES = [-0.01, -0.005, 0.005, 0.01]
ZINC = {
    (0, 0): 165.0,
    (1, 1): 165.0,
    (2, 2): 61.8,
    (0, 1): 31.1,
    (0, 2): 50.0,
    (1, 2): 50.0,
    (3, 3): 39.6,
    (4, 4): 39.6,
}
ZINC[5, 5] = (ZINC[0, 0] - ZINC[0, 1]) / 2


def matrix(constants):
    found = np.zeros((6, 6))
    for (i, j), value in constants.items():
        found[i, j] = found[j, i] = value
    return found


def tensor(stiffness):
    """Of fourth rank, from Voigt's notation."""
    found = np.zeros((3, 3, 3, 3))
    for m, (i, j) in enumerate(PAIRS):
        for n, (k, h) in enumerate(PAIRS):
            for a, b in {(i, j), (j, i)}:
                for c, d in {(k, h), (h, k)}:
                    found[a, b, c, d] = stiffness[m, n]
    return found


def stresses_of(stiffness, strains, at_rest=0.0):
    """Those of a solid whose energy is a quadratic form of the Green-Lagrange strain; eV/Å³, as ASE has them."""
    found = []
    for strain in strains:
        gradient = deformation(strain)
        second = at_rest * np.eye(3) + np.einsum("ijkl,kl", stiffness, strain)
        cauchy = gradient @ second @ gradient.T / np.linalg.det(gradient) * units.GPa
        found.append([cauchy[pair] for pair in PAIRS])
    return found


def with_rest(strains):
    return [np.zeros((3, 3)), *strains.values()]


@pytest.mark.parametrize("sizes", [SIZES, [0.02]])
@pytest.mark.parametrize("at_rest", [0.0, 3.0])
def test_all_21_constants_are_found(sizes, at_rest):
    rng = np.random.default_rng(1)
    stiffness = rng.normal(size=(6, 6))
    stiffness = 10 * stiffness @ stiffness.T + 50 * np.eye(6)
    crystal = Atoms("Cu", cell=[[3, 0, 0], [0.3, 4, 0], [0.2, 0.1, 5]], pbc=True)
    strains = with_rest(make_strains(sizes, sizes))
    fit = fit_elastic_tensor(crystal, strains, stresses_of(tensor(stiffness), strains, at_rest))
    np.testing.assert_allclose(fit["elastic_tensor"]["raw"], stiffness, atol=1e-8)
    np.testing.assert_allclose(fit["compliance_tensor"]["raw"] @ stiffness, 1000 * np.eye(6), atol=1e-6)
    np.testing.assert_allclose(fit["residual_stress"], at_rest * np.eye(3), atol=1e-9)
    assert fit["residual"] < 1e-9
    assert fit["stable"]


@pytest.mark.parametrize("symmetry", [True, False])
def test_a_crystal_in_any_orientation(symmetry):
    """The IEEE tensor of a turned crystal is that of the crystal; with symmetry, from fewer strains."""
    crystal, turned = bulk("Zn"), bulk("Zn")
    turned.rotate(37, (1, 2, 3), rotate_cell=True)
    rotation = np.linalg.solve(crystal.cell.array, turned.cell.array).T
    stiffness = np.einsum("ia,jb,kc,ld,abcd", *[rotation] * 4, tensor(matrix(ZINC)))
    rotations = point_group(turned) if symmetry else None
    strains = make_strains(SIZES, SIZES)
    if symmetry:
        strains = independent_strains(strains, rotations)
    strains = with_rest(strains)
    fit = fit_elastic_tensor(turned, strains, stresses_of(stiffness, strains), rotations)
    np.testing.assert_allclose(tensor(fit["elastic_tensor"]["raw"]), stiffness, atol=1e-7)
    np.testing.assert_allclose(fit["elastic_tensor"]["ieee_format"], matrix(ZINC), atol=1e-7)


def test_symmetry_gives_what_was_not_computed():
    strains = independent_strains(make_strains([0.01], [0.01]), point_group(bulk("Cu")))
    assert len(strains) == 2
    c11, c12, c44 = 170.0, 120.0, 75.0
    stiffness = matrix({(0, 0): c11, (1, 1): c11, (2, 2): c11, (0, 1): c12, (0, 2): c12, (1, 2): c12})
    stiffness[3:, 3:] = c44 * np.eye(3)
    given = with_rest(strains)
    fit = fit_elastic_tensor(bulk("Cu"), given, stresses_of(tensor(stiffness), given), point_group(bulk("Cu")))
    np.testing.assert_allclose(fit["elastic_tensor"]["ieee_format"], stiffness, atol=1e-8)
    # textbook formulas of a cubic crystal
    g_voigt, g_reuss = (c11 - c12 + 3 * c44) / 5, 5 * (c11 - c12) * c44 / (4 * c44 + 3 * (c11 - c12))
    k, g = (c11 + 2 * c12) / 3, (g_voigt + g_reuss) / 2
    assert fit["bulk_modulus"] == pytest.approx({"voigt": k, "reuss": k, "vrh": k})
    assert fit["shear_modulus"] == pytest.approx({"voigt": g_voigt, "reuss": g_reuss, "vrh": g})
    assert fit["young_modulus"] == pytest.approx(9e9 * k * g / (3 * k + g))
    assert fit["homogeneous_poisson"] == pytest.approx((3 * k - 2 * g) / (6 * k + 2 * g))
    assert fit["universal_anisotropy"] == pytest.approx(5 * g_voigt / g_reuss - 5)
    np.testing.assert_allclose(fit["eigenvalues"], [c11 - c12, c11 - c12, c44, c44, c44, c11 + 2 * c12])


def test_an_unstable_crystal_is_one():
    stiffness = matrix(ZINC)
    stiffness[3, 3] = -1.0
    strains = with_rest(make_strains(SIZES, SIZES))
    fit = fit_elastic_tensor(bulk("Zn"), strains, stresses_of(tensor(stiffness), strains))
    assert not fit["stable"]
    assert fit["eigenvalues"][0] == pytest.approx(-1.0)


def test_too_few_strains_are_an_error():
    strains = with_rest(make_strains([0.01], [0.01]))[:-1]
    with pytest.raises(AnalysisError, match="6 points determine 5 of the 6 columns"):
        fit_elastic_tensor(bulk("Zn"), strains, stresses_of(tensor(matrix(ZINC)), strains))


def test_emmet_core_takes_it():
    from emmet.core.elasticity import ElasticityDoc

    strains = with_rest(make_strains(SIZES, SIZES))
    fit = fit_elastic_tensor(bulk("Zn"), strains, stresses_of(tensor(matrix(ZINC)), strains))

    def listed(value):
        if isinstance(value, dict):
            return {key: listed(item) for key, item in value.items()}
        return value.tolist() if isinstance(value, np.ndarray) else value

    own = {"name", "eigenvalues", "stable", "residual", "residual_stress", "failed"}
    assert set(fit) - set(ElasticityDoc.model_fields) == own
    aliases = {key: field.alias or key for key, field in ElasticityDoc.model_fields.items()}
    document = ElasticityDoc(**listed({aliases[key]: value for key, value in fit.items() if key not in own}))
    for key in set(fit) - own:
        known = getattr(document, key)
        if isinstance(known, float):
            assert known == fit[key]
        else:
            assert set(fit[key]) <= set(type(known).model_fields)
    assert document.shear_modulus.vrh == fit["shear_modulus"]["vrh"]
