"""Stands in for DFTB+, in the words of its version 22."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import read
from ase.units import Bohr, Hartree

from tests.standins import asked_to_fail, compute, follow

KNOWN = {
    "Geometry",
    *("Hamiltonian", "SCC", "SCCTolerance", "MaxSCCIterations", "Charge", "Method", "Filling", "Temperature [K]"),
    *("SlaterKosterFiles", "Prefix", "Separator", "Suffix", "MaxAngularMomentum", "KPointsAndWeights", "SpinConstants"),
    *("SpinPolarisation", "UnpairedElectrons", "RelaxTotalSpin", "InitialSpins", "AllAtomSpins"),
    *("Options", "WriteResultsTag", "ParserOptions", "ParserVersion", "IgnoreUnprocessedNodes"),
    *("Analysis", "CalculateForces"),
    *("Driver", "File", "Protocol", "MaxSteps"),
}


def parse(lines: list[str]) -> dict[str, Any]:
    """The blocks of an input as dictionaries: ``""`` is the kind of a block, ``"rows"`` are lines without a name."""
    block: dict[str, Any] = {}
    while lines:
        line = lines.pop(0).strip()
        if line == "}":
            return block
        name, equals, value = (part.strip() for part in line.partition("="))
        if line.endswith("{"):
            block[name.rstrip("{ ")] = {"": value.rstrip("{ "), **parse(lines)}
        elif equals:
            block[name] = value
        elif line:
            block.setdefault("rows", []).append(line)
    return block


def failed(message: str) -> int:
    print(f"ERROR!\n-> {message}")
    return 1


def unknown(block: dict[str, Any], path: str = "") -> list[str]:
    found = []
    for name, value in block.items():
        species = path.endswith(("MaxAngularMomentum", "SpinConstants"))
        if name not in ("", "rows") and not species:
            found += [f"{path}/{name}"] * (name not in KNOWN)
            found += unknown(value, f"{path}/{name}") if isinstance(value, dict) else []
    return found


def tag(name: str, values: Any) -> str:
    array = np.array(values)
    shape = f"{array.ndim}:{','.join(map(str, array.shape[::-1]))}" if array.ndim else "0:"
    rows = "\n".join(" " + " ".join(f"{x: .15E}" for x in np.atleast_1d(row)) for row in np.atleast_1d(array))
    return f"{name:<20}:real:{shape}\n{rows}\n"


def main() -> int:
    print("|===============================================================================\n|")
    print(
        "|  DFTB+ release 22.2\n|\n|===============================================================================\n"
    )
    words = parse(Path("dftb_in.hsd").read_text().splitlines())
    if (ignored := unknown(words)) and words["ParserOptions"]["IgnoreUnprocessedNodes"] != "Yes":
        print("WARNING!\n-> The following 1 node(s) have been ignored by the parser:\n(1)\nPath: dftb_in" + ignored[0])
        return failed("Code must stop, as unprocessed nodes have been found in the input")
    assert words["Options"]["WriteResultsTag"] == "Yes"
    given, atoms = words["Hamiltonian"], read("geo_end.gen", format="gen")
    symbols = sorted(set(atoms.symbols))
    if given[""] == "DFTB":
        files = given["SlaterKosterFiles"]
        between, end = files["Separator"].strip('"'), files["Suffix"].strip('"')
        print("Reading SK-files:")
        for name in (f"{one}{between}{other}{end}" for one in symbols for other in symbols):
            print(f"  {files['Prefix']}{name}")
            assert Path(files["Prefix"], name).is_file()
        assert {*given["MaxAngularMomentum"]} - {""} == {*symbols}
    if atoms.pbc.any():
        assert np.linalg.det(atoms.cell) > 0
        grid = given["KPointsAndWeights"]
        assert grid[""] == "SupercellFolding"
        assert len(grid["rows"]) == 4
    spin = given.get("SpinPolarisation")
    if spin:
        assert spin[""] == "Colinear"
        assert {*given["SpinConstants"]} - {""} == {*symbols}
    failure = asked_to_fail()
    if failure == "scc" or int(given.get("MaxSCCIterations", 100)) < 5:
        said = "SCC is NOT converged, maximal SCC iterations exceeded"
        Path("detailed.out").write_text(f"{said}\n")
        return failed(said)
    charge, unpaired = float(given.get("Charge", 0)), float(spin["UnpairedElectrons"]) if spin else 0.0
    forces_wanted = words.get("Analysis", {}).get("CalculateForces") == "Yes"

    def answer(atoms: Atoms) -> tuple[float, list[list[float]]]:
        return step(atoms, charge, unpaired, forces_wanted)

    if driver := words.get("Driver"):
        assert driver[""] == "Socket"
        assert (driver["Protocol"], driver["MaxSteps"]) == ("i-PI {}", "-1")
        follow(driver["File"].strip('"'), atoms, bool(atoms.pbc.any()), answer)
    else:
        answer(atoms)
    if failure != "truncated":
        print(
            "-" * 80 + "\nDFTB+ running times                          cpu [s]             wall clock [s]\n" + "-" * 80
        )
    return 0


def step(atoms: Atoms, charge: float, unpaired: float, forces_wanted: bool) -> tuple[float, list[list[float]]]:
    """Energy and forces of a structure, which are printed and written, too."""
    energy, forces = compute(atoms, round(charge), 1 + round(unpaired))
    print("\n***  Geometry step: 0\n\n  iSCC Total electronic   Diff electronic      SCC error")
    print("    1   -0.39511797E+01    0.00000000E+00    0.88081627E+00")
    detailed = [" Atomic gross charges (e)", " Atom           Charge"]
    detailed += [f"{number:5d}{charge / len(atoms):16.8f}" for number in range(1, len(atoms) + 1)]
    detailed += ["", f"Total energy:                {energy / Hartree:20.10f} H {energy:20.4f} eV"]
    detailed += [f"Total Mermin free energy:    {energy / Hartree:20.10f} H {energy:20.4f} eV", "", "SCC converged"]
    Path("detailed.out").write_text("\n".join(detailed) + "\n")
    print(f"\nTotal Energy:                  {energy / Hartree:20.10f} H {energy:20.4f} eV", flush=True)
    results = tag("mermin_energy", energy / Hartree) + tag("total_energy", energy / Hartree)
    if forces_wanted:
        results += tag("forces", np.array(forces) / Hartree * Bohr)
        if atoms.pbc.any():
            results += tag("stress", -atoms.get_stress(voigt=False) / Hartree * Bohr**3)
    Path("results.tag").write_text(results)
    return energy, forces


if __name__ == "__main__":
    sys.exit(main())
