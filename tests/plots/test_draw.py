"""Each kind of picture, drawn from a real result: what is in it, and that it is an image."""

import os
import subprocess
import sys

import numpy as np
import pytest
from ase.build import add_adsorbate, bulk, fcc100
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms

from adatom import change_settings
from adatom.analysis.documents import find_documents
from adatom.analysis.property_errors import property_errors
from adatom.atoms.rattle import rattle
from adatom.errors import InputError
from adatom.plots.draw import PLOTS, draw, save_pictures
from adatom.recipes import emt, lj
from adatom.schemas.save import load_results, save_results

pytestmark = pytest.mark.xdist_group("plots")  # one process computes what all of these draw


def hop():
    """An atom that goes from one hollow of a surface to the next."""
    initial = fcc100("Al", (2, 1, 2), vacuum=4, periodic=True)
    add_adsorbate(initial, "Au", 1.7, "hollow")
    initial.set_constraint(FixAtoms(range(4)))
    final = initial.copy()
    final.positions[-1, 0] += final.cell[0, 0] / 2
    return initial, final


def computed(count=6):
    """Rattled copper in two categories, with the results of two variants of one potential."""
    rng, configs = np.random.default_rng(1), []
    for number in range(count):
        atoms = rattle(bulk("Cu", cubic=True), 0.05 + 0.1 * (number % 2), rng)
        atoms.info["config_type"] = ("cold", "hot")[number % 2]
        for prefix, cutoff in (("REF_", False), ("ASAP_", True)):
            copy = atoms.copy()
            copy.calc = EMT(asap_cutoff=cutoff)
            atoms.info[f"{prefix}energy"] = copy.get_potential_energy()
            atoms.set_array(f"{prefix}forces", copy.get_forces())
        configs.append(atoms)
    return configs


def errors_of(configs, prefixes="ASAP_", by="config_type", **options):
    return property_errors(configs, prefixes, by=by, values=True, **options)


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """A result with each kind of document, as a file gives it back."""
    directory = tmp_path_factory.mktemp("plots")
    with change_settings(results_dir=directory):
        made = {
            "eos": emt.eos_flow(bulk("Cu")),
            "surface_energies": emt.bulk_to_slabs_flow(bulk("Cu"), run_static=False),
            "adsorption_energies": emt.slab_to_ads_flow(hop()[0][:4], "O", run_static=False),
            "phonons": emt.phonon_flow(bulk("Cu"), supercell_matrix=(2, 2, 2)),
            "qha": emt.qha_flow(bulk("Cu"), supercell_matrix=(2, 2, 2), mesh=(6, 6, 6)),
            "elasticity": emt.elastic_tensor_flow(bulk("Cu")),
            "reaction_path": emt.neb_flow(*hop(), images=3),
            "md": emt.md_job(bulk("Cu", cubic=True), temperature=300, steps=50),
            "property_errors": errors_of(computed()),
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
        ("property_errors", ["energy, REF (eV/atom)", "force components, ASAP (eV/Å)", "RMSE (eV/atom)", "hot: 0."]),
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


def test_predictions_are_drawn_against_the_reference_with_their_errors():
    configs = computed()
    errors = errors_of(configs)
    energies, forces = draw(errors).axes
    rmse = {
        (row["property"], row["category"]): f"{row['category'] or 'all'}: {row['rmse']:.3g}" for row in errors["errors"]
    }
    for category in ("cold", "hot"):
        chosen = [atoms for atoms in configs if atoms.info["config_type"] == category]
        drawn = lines(energies)[rmse["energy_per_atom", category]]
        assert drawn.get_xdata() == pytest.approx([atoms.info["REF_energy"] / 4 for atoms in chosen])
        assert drawn.get_ydata() == pytest.approx([atoms.info["ASAP_energy"] / 4 for atoms in chosen])
        drawn = lines(forces)[rmse["forces", category]]
        np.testing.assert_allclose(drawn.get_xdata(), np.ravel([atoms.arrays["REF_forces"] for atoms in chosen]))
        np.testing.assert_allclose(drawn.get_ydata(), np.ravel([atoms.arrays["ASAP_forces"] for atoms in chosen]))
    for axes in (energies, forces):
        assert axes.get_xlim() == axes.get_ylim()
        colors = {line.get_color() for line in axes.lines}
        assert len(colors) == 3  # two categories, and the diagonal
    assert rmse["forces", None] in lines(forces)


def test_each_model_has_a_row_of_panels_and_many_categories_no_colours():
    configs = computed(12)
    for number, atoms in enumerate(configs):
        atoms.info |= {"number": number, "B_energy": 1.0}
    axes = draw(errors_of(configs, ["ASAP_", "B_"], by="number")).axes
    assert [each.get_ylabel().split(" (")[0] for each in axes] == [
        "energy, ASAP",
        "force components, ASAP",
        "energy, B",
        "force components, B",
    ]
    assert [text.get_text().split(":")[0] for text in axes[0].get_legend().get_texts()] == ["all"]
    assert axes[3].get_legend() is None  # there are no forces of this model


def test_legends_have_the_order_of_the_data_and_small_categories_lie_on_top():
    configs = computed()
    for number, atoms in enumerate(configs):
        atoms.info["config_type"] = "few" if number == 0 else "many"
        if number in (1, 2, 3):  # fewer forces than energies, so that the categories differ in their order by size
            del atoms.arrays["ASAP_forces"]
    errors = errors_of(configs + computed(1)[:1] * 5)  # the third category, "cold", is the largest one
    for axes in draw(errors).axes:
        names = [text.get_text().split(":")[0] for text in axes.get_legend().get_texts()]
        assert names == ["few", "many", "cold", "all"]
        points = [line for line in axes.lines if line.get_marker() == "o"]
        sizes = {line.get_zorder(): len(line.get_xdata()) for line in points}
        assert [sizes[place] for place in sorted(sizes)] == sorted(sizes.values(), reverse=True)


def test_energies_are_written_in_full_at_the_ticks(results):
    eos = results["eos"]["eos"]
    shifted = {**eos, "energies": np.asarray(eos["energies"]) - 12345.0, "e0": eos["e0"] - 12345.0}
    figure = draw(shifted)
    figure.draw_without_rendering()
    assert figure.axes[0].yaxis.get_offset_text().get_text() == ""


def test_each_file_is_named_when_it_is_written(results, tmp_path):
    named = []
    files = save_pictures(
        results["qha"], tmp_path / "qha.svg", written=lambda file: named.append((file, file.exists()))
    )
    assert len(files) == len(results["qha"]["phonons"]) + 1
    assert named == [(file, True) for file in files]


def test_nothing_is_written_if_a_picture_cannot_be_drawn(results, tmp_path):
    gone = {**results["md"], "trajectory": str(tmp_path / "gone.traj")}
    with pytest.raises(InputError, match="is not there"):
        save_pictures([results["eos"], gone], tmp_path / "all.png")
    assert not list(tmp_path.iterdir())


def test_many_points_do_not_make_a_large_file(tmp_path):
    errors = errors_of(computed(2) * 1000)  # 24 000 components of forces
    (file,) = save_pictures(errors, tmp_path / "many.svg")
    assert "<image" in file.read_text()
    assert file.stat().st_size < 1_000_000


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
    with pytest.raises(InputError, match=r"without the compared values. Compute them with .*values=True"):
        draw(property_errors(computed(2), "ASAP_"))
    with pytest.raises(InputError, match="there is nothing to draw"):
        draw(errors_of(computed(2), properties=["energy"]))
    with pytest.raises(InputError, match="is not there"):
        draw({**results["md"], "trajectory": str(tmp_path / "gone.traj")})


@pytest.mark.parametrize("backend", ["module://not_installed.backend_inline", "agg", ""])
def test_the_backend_of_a_kernel_that_is_not_installed_is_no_matter(backend):
    text = "from adatom.plots.draw import draw; draw({'name': 'no such document'})"
    environment = {**os.environ, "MPLBACKEND": backend}
    said = subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, text=True).stderr
    assert "InputError: There is no picture of 'no such document'" in said
