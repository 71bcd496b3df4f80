import numpy as np
import pytest
from ase import units

from adatom.analysis.qha import fit_qha
from adatom.errors import AnalysisError, InputError

V0, K, GRUENEISEN, QUANTUM = 12.0, 0.8, 2.0, 0.02  # Å³, eV/Å³, none, eV
VOLUMES = V0 * np.linspace(0.94, 1.1, 9)
TEMPERATURES = np.arange(0.0, 601.0, 50.0)


def oscillators(volume: float, temperatures=TEMPERATURES) -> dict:
    """Three of them, whose frequency falls with the volume to the power of the Grüneisen parameter."""
    quantum = QUANTUM * (V0 / volume) ** GRUENEISEN
    kt = units.kB * np.maximum(temperatures, 1e-3)
    with np.errstate(over="ignore"):
        x = np.minimum(quantum / kt, 500)
    occupied = 1 / np.expm1(x)
    return {
        "temperatures": temperatures,
        "free_energy": 3 * (quantum / 2 + kt * np.log1p(-np.exp(-x))),
        "entropy": 3 * units.kB * (x * occupied - np.log1p(-np.exp(-x))),
        "heat_capacity": 3 * units.kB * x**2 * occupied * (occupied + 1),
        "zero_point_energy": 1.5 * quantum,
    }


def finite_strain(volume):
    return ((V0 / volume) ** (2 / 3) - 1) / 2


def energy(volume):
    """Birch and Murnaghan's, with K' = 4."""
    return 4.5 * K * V0 * finite_strain(volume) ** 2


def pressure_at_rest(volume):
    """-dE/dV."""
    f = finite_strain(volume)
    return 3 * K * f * (1 + 2 * f) ** 2.5


def crystal(**options):
    return fit_qha(VOLUMES, energy(VOLUMES), [oscillators(v) for v in VOLUMES], **options)


@pytest.mark.parametrize("equation", ["birch_murnaghan", "vinet"])
@pytest.mark.parametrize("pressure", [0.0, 2 * units.GPa])
def test_a_grueneisen_solid(equation, pressure):
    """Its expansion is gamma C_V / (K V), and it is where the pressures of lattice and phonons balance."""
    qha = crystal(equation=equation, pressure=pressure)
    assert qha["temperatures"].tolist() == TEMPERATURES.tolist()
    assert qha["failed"] == {}
    for index, volume in enumerate(qha["volumes"]):
        here = oscillators(volume)
        inner = here["free_energy"][index] + TEMPERATURES[index] * here["entropy"][index]
        balance = pressure_at_rest(volume) + GRUENEISEN * inner / volume
        assert balance == pytest.approx(pressure, abs=5e-5)
        gibbs = energy(volume) + here["free_energy"][index] + pressure * volume
        assert qha["gibbs_energies"][index] == pytest.approx(gibbs, abs=1e-5)
        modulus = qha["bulk_moduli"][index] * units.GPa
        expansion = GRUENEISEN * here["heat_capacity"][index] / (modulus * volume)
        assert qha["thermal_expansion"][index] == pytest.approx(expansion, rel=2e-3, abs=1e-9)


def test_derivatives_by_the_temperature():
    """S is that of G, alpha that of V, and C_P that of S."""
    qha = crystal()
    t = qha["temperatures"]
    half, step = (t[1:] + t[:-1]) / 2, np.diff(t)

    def mean(key):
        return (qha[key][1:] + qha[key][:-1]) / 2

    hot = half > 200  # where they are smooth enough for these temperatures
    assert (-np.diff(qha["gibbs_energies"]) / step)[hot] == pytest.approx(mean("entropies")[hot], rel=1e-2)
    assert (np.diff(np.log(qha["volumes"])) / step)[hot] == pytest.approx(mean("thermal_expansion")[hot], rel=1e-2)
    assert (half * np.diff(qha["entropies"]) / step)[hot] == pytest.approx(mean("heat_capacities")[hot], rel=1e-2)


def test_without_free_energies_it_is_the_equation_of_state():
    cold = [{**oscillators(v), "free_energy": np.zeros(13)} for v in VOLUMES]
    qha = fit_qha(VOLUMES, energy(VOLUMES), cold, pressure=pressure_at_rest(0.97 * V0))
    assert qha["volumes"] == pytest.approx(0.97 * V0, rel=1e-5)


def test_temperatures_at_which_the_crystal_is_larger_than_all_volumes_are_left_out():
    few = VOLUMES[:6]
    qha = fit_qha(few, energy(few), [oscillators(v, 10 * TEMPERATURES) for v in few])
    count = len(qha["temperatures"])
    assert 1 <= count < len(TEMPERATURES)
    assert qha["volumes"][-1] <= few[-1]
    [(name, why)] = qha["failed"].items()
    assert name == f"{10 * TEMPERATURES[count]:g} K and above"
    assert "Take volumes on both sides" in why
    assert all(len(qha[key]) == count for key in ("volumes", "gibbs_energies", "heat_capacities"))


def test_no_temperature_at_all():
    with pytest.raises(AnalysisError, match="Take volumes on both sides"):
        fit_qha(VOLUMES + 3, energy(VOLUMES + 3), [oscillators(v) for v in VOLUMES + 3])


def test_other_temperatures():
    points = [oscillators(v) for v in VOLUMES[1:]] + [oscillators(V0, TEMPERATURES + 1)]
    with pytest.raises(InputError, match="other temperatures"):
        fit_qha(VOLUMES, energy(VOLUMES), points)
