"""Each kind of picture, drawn from a real result: what is in it, and that it is an image."""

import pytest
from ase.build import add_adsorbate, bulk, fcc100
from ase.constraints import FixAtoms

from adatom import change_settings
from adatom.analysis.documents import find_documents
from adatom.errors import InputError
from adatom.plots.draw import PLOTS, draw, save_pictures
from adatom.recipes.emt import crystals, reactions, slabs
from adatom.recipes.emt.core import md_job
from adatom.recipes.lj import crystals as lj
from adatom.schemas.save import load_results, save_results


def hop():
    """An atom that goes from one hollow of a surface to the next."""
    initial = fcc100("Al", (2, 1, 2), vacuum=4, periodic=True)
    add_adsorbate(initial, "Au", 1.7, "hollow")
    initial.set_constraint(FixAtoms(range(4)))
    final = initial.copy()
    final.positions[-1, 0] += final.cell[0, 0] / 2
    return initial, final


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """A result with each kind of document, as a file gives it back."""
    directory = tmp_path_factory.mktemp("plots")
    with change_settings(results_dir=directory):
        made = {
            "eos": crystals.eos_flow(bulk("Cu")),
            "surface_energies": slabs.bulk_to_slabs_flow(bulk("Cu"), run_static=False),
            "adsorption_energies": slabs.slab_to_ads_flow(hop()[0][:4], "O", run_static=False),
            "phonons": crystals.phonon_flow(bulk("Cu"), supercell_matrix=(2, 2, 2)),
            "qha": crystals.qha_flow(bulk("Cu"), supercell_matrix=(2, 2, 2)),
            "elasticity": crystals.elastic_tensor_flow(bulk("Cu")),
            "reaction_path": reactions.neb_flow(*hop(), images=3),
            "md": md_job(bulk("Cu", cubic=True), temperature=300, steps=50),
            "convergence": lj.convergence_flow(bulk("Cu"), {"calc_kwargs.rc": [4.0, 8.0, 12.0]}),
        }
    return {name: load_results(save_results(value, directory / f"{name}.json")) for name, value in made.items()}


def lines(axes):
    return {line.get_label(): line for line in axes.lines}


def texts(figure):
    return " ".join(text.get_text() for text in figure.findobj(lambda item: hasattr(item, "get_text")))


def document(results, name):
    return next(found for _, found in find_documents(results[name], PLOTS) if found["name"] == name)


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_every_document_is_drawn(name, suffix, results, tmp_path):
    (file,) = save_pictures(document(results, name), tmp_path / f"picture{suffix}")
    start = file.read_bytes()[:100]
    assert start.startswith(b"\x89PNG") if suffix == ".png" else b"<?xml" in start
    assert file.stat().st_size > 5_000


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("eos", ["volume of the cell (Å³)", "energy (eV)", "K = 13"]),
        ("surface_energies", ["surface energy (J/m²)", "(1 0 0)"]),
        ("adsorption_energies", ["adsorption energy of O (eV)", "ontop 0"]),
        ("phonons", ["frequency (THz)", "states/THz", "Γ"]),
        ("qha", ["volume (Å³)", "temperature (K)", "bulk modulus (GPa)"]),
        ("elasticity", ["elastic tensor (GPa)", "K = 13", "xx", "173"]),
        ("reaction_path", ["reaction coordinate (Å)", "energy (eV)", "barrier 0."]),
        ("md", ["time (ps)", "energy (eV)", "temperature (K)", "total"]),
        ("convergence", ["calc_kwargs.rc", "energy"]),
    ],
)
def test_axes_have_names_and_units(name, labels, results):
    shown = texts(draw(document(results, name)))
    assert all(label in shown for label in labels), shown


def test_the_curve_goes_through_the_points(results):
    eos = results["eos"]["eos"]
    drawn = lines(draw(eos).axes[0])
    curve = drawn["birch-murnaghan"].get_xydata()
    for volume, energy in zip(eos["volumes"], eos["energies"], strict=True):
        nearest = curve[abs(curve[:, 0] - volume).argmin()]
        assert nearest[1] == pytest.approx(energy, abs=2e-3)
    assert list(drawn["computed"].get_ydata()) == list(eos["energies"])


def test_several_pictures_are_numbered(results, tmp_path):
    files = save_pictures([results["eos"], results["convergence"]], tmp_path / "all.png")
    assert [file.name for file in files] == ["all-1.png", "all-2.png"]


def test_what_cannot_be_drawn_is_told(results, tmp_path):
    with pytest.raises(InputError, match="Nothing here can be drawn. There are pictures of: surface_energies, "):
        save_pictures({"a": [1, 2]}, tmp_path / "x.png")
    with pytest.raises(InputError, match="no picture of 'relax'"):
        draw({"name": "relax"})
    with pytest.raises(InputError, match="pictures are .png, .svg, .pdf"):
        save_pictures(results["eos"], tmp_path / "x.bmp")
    with pytest.raises(InputError, match="is not there"):
        draw({**results["md"], "trajectory": str(tmp_path / "gone.traj")})
