"""vasprun.xml as VASP writes it."""

import numpy as np
from ase import Atoms, units

from tests.standins.vasp_bands import Electrons

ORBITALS = ("s", "py", "pz", "px", "dxy", "dyz", "dz2", "dxz", "x2-y2")
CLOSED = "</calculation>\n"
COMPONENTS = ("xx", "yy", "zz", "xy", "yz", "zx")
# What VASP takes where INCAR is silent, of what its users' tools ask for.
DEFAULTS = {
    "PREC": "normal", "ENCUT": "400.0", "NELM": "60", "EDIFF": "1e-4", "NSW": "0", "IBRION": "-1", "ISIF": "2",
    "ISMEAR": "1", "SIGMA": "0.2", "ISPIN": "1", "LORBIT": "0", "NEDOS": "301", "LDAU": ".FALSE.", "LASPH": ".FALSE.",
    "LEPSILON": ".FALSE.", "LOPTICS": ".FALSE.", "LHFCALC": ".FALSE.", "LCHIMAG": ".FALSE.", "GGA": "--",
    "ICHARG": "2", "PSTRESS": "0.0",
}  # fmt: skip


def entry(name: str, value: str) -> str:
    words = value.split()
    kinds = {kind_of(word) for word in words if "*" not in word}
    if len(words) > 1 or "*" in value:
        kind = next(iter(kinds)) if len(kinds) == 1 else ""
        numbers = [n for word in words for n in spread(word)]
        return f'<v{kind} name="{name}">{" ".join(numbers)}</v>\n'
    kind = next(iter(kinds), "")
    if "logical" in kind:
        value = "T" if "T" in value.upper() else "F"
    return f'<i{kind} name="{name}">{value}</i>\n'


def spread(word: str) -> list[str]:
    times, star, value = word.partition("*")
    return [value] * int(times) if star else [word]


def kind_of(word: str) -> str:
    if word.upper() in (".TRUE.", ".FALSE.", "T", "F"):
        return ' type="logical"'
    try:
        float(word)
    except ValueError:
        return ' type="string"'
    return ' type="int"' if word.lstrip("-").isdigit() else ""


def vectors(name: str, rows: np.ndarray, digits: int = 16) -> str:
    inside = "".join(f"<v>{' '.join(f'{x:.{digits}f}' for x in row)}</v>\n" for row in np.asarray(rows))
    return f'<varray name="{name}">\n{inside}</varray>\n'


def structure(atoms: Atoms, name: str = "") -> str:
    label = f' name="{name}"' if name else ""
    crystal = f"<crystal>\n{vectors('basis', atoms.cell.array)}</crystal>\n"
    return f"<structure{label}>\n{crystal}{vectors('positions', atoms.get_scaled_positions())}</structure>\n"


def energies(free: float, energy: float) -> str:
    rows = {"e_fr_energy": free, "e_wo_entrp": energy, "e_0_energy": energy}
    return "<energy>" + "".join(f'<i name="{name}">{value:.12f}</i>' for name, value in rows.items()) + "</energy>\n"


def calculation(
    atoms: Atoms, energy: float, forces: list[list[float]], stress: np.ndarray, pressure: float, cycles: int
) -> str:
    """A step, whose end is left open for the electrons of the last one."""
    enthalpy = energy + pressure * atoms.get_volume()
    return (
        f"<calculation>\n{f'<scstep>{energies(energy, energy)}</scstep>{chr(10)}' * cycles}{structure(atoms)}"
        f"{vectors('forces', np.array(forces))}{vectors('stress', -stress / (0.1 * units.GPa))}"
        f"{energies(enthalpy, enthalpy)}"
    )


def table(fields: tuple[str, ...], dimensions: tuple[str, ...], content: str) -> str:
    heads = "".join(f'<dimension dim="{i}">{name}</dimension>\n' for i, name in enumerate(dimensions, 1))
    return f"<array>\n{heads}{''.join(f'<field>{f}</field>' for f in fields)}\n<set>\n{content}</set>\n</array>\n"


def rows(values: np.ndarray) -> str:
    return "".join("<r>" + " ".join(f"{x:.10f}" for x in row) + "</r>\n" for row in values)


def group(name: str, content: str) -> str:
    return f'<set comment="{name}">\n{content}</set>\n'


def eigenvalues(electrons: Electrons) -> str:
    content = ""
    for spin, (energy, occupation) in enumerate(zip(electrons.energies, electrons.occupations, strict=True), 1):
        of_points = "".join(
            group(f"kpoint {k}", rows(np.stack([energy[k - 1], occupation[k - 1]], 1)))
            for k in range(1, len(energy) + 1)
        )
        content += group(f"spin {spin}", of_points)
    return f"<eigenvalues>\n{table(('eigene', 'occ'), ('band', 'kpoint', 'spin'), content)}</eigenvalues>\n"


def dos(electrons: Electrons, atoms: int, tags: dict[str, str]) -> str:
    energy, states, below = electrons.density(int(tags["NEDOS"]))
    total = "".join(
        group(f"spin {spin}", rows(np.stack([energy, states[spin - 1], below[spin - 1]], 1)))
        for spin in range(1, len(states) + 1)
    )
    found = f'<i name="efermi">{electrons.fermi:.8f}</i>\n<total>\n'
    found += table(("energy", "total", "integrated"), ("gridpoints", "spin"), total) + "</total>\n"
    if int(tags["LORBIT"]) >= 11:
        share = 1 / (atoms * len(ORBITALS))
        spins = "".join(
            group(f"spin {spin}", rows(np.column_stack([energy, *[states[spin - 1] * share] * len(ORBITALS)])))
            for spin in range(1, len(states) + 1)
        )
        ions = "".join(group(f"ion {ion}", spins) for ion in range(1, atoms + 1))
        found += f"<partial>\n{table(('energy', *ORBITALS), ('gridpoints', 'spin', 'ion'), ions)}</partial>\n"
    return f"<dos>\n{found}</dos>\n"


def dielectric(electrons: Electrons, points: int) -> str:
    energy, function = electrons.dielectric(points)
    found = ""
    for name, part in (("imag", function.imag), ("real", function.real)):
        values = np.column_stack([energy, part, part, part, *[0 * part] * 3])
        found += f"<{name}>\n{table(('energy', *COMPONENTS), ('gridpoints',), rows(values))}</{name}>\n"
    both = ("density-density", "current-current")
    return "".join(f'<dielectricfunction comment="{kind}">\n{found}</dielectricfunction>\n' for kind in both)


def kpoints(electrons: Electrons) -> str:
    generation = ""
    if electrons.numbers:
        numbers = " ".join(map(str, electrons.numbers))
        generation = f'<generation param="{electrons.kind}">\n<v type="int" name="divisions">{numbers}</v>\n'
        generation += '<v name="usershift">0.0 0.0 0.0</v>\n</generation>\n'
    listed = vectors("kpointlist", electrons.points, 8) + vectors("weights", electrons.weights[:, None], 8)
    return f"<kpoints>\n{generation}{listed}</kpoints>\n"


def atominfo(atoms: Atoms, titles: list[str], valences: list[float]) -> str:
    kinds = list(dict.fromkeys(atoms.symbols))
    ions = "".join(f"<rc><c>{symbol:<2}</c><c>{kinds.index(symbol) + 1:4}</c></rc>\n" for symbol in atoms.symbols)
    types = "".join(
        f"<rc><c>{atoms.symbols.count(kind):4}</c><c>{kind:<2}</c><c>1.0</c><c>{valence}</c><c>{title}</c></rc>\n"
        for kind, title, valence in zip(kinds, titles, valences, strict=True)
    )
    return (
        f"<atominfo>\n<atoms>{len(atoms)}</atoms>\n<types>{len(kinds)}</types>\n"
        f'<array name="atoms">\n<dimension dim="1">ion</dimension>\n<field type="string">element</field>\n'
        f'<field type="int">atomtype</field>\n<set>\n{ions}</set>\n</array>\n'
        f'<array name="atomtypes">\n<dimension dim="1">type</dimension>\n<set>\n{types}</set>\n</array>\n</atominfo>\n'
    )


def document(
    first: Atoms,
    last: Atoms,
    steps: list[str],
    tags: dict[str, str],
    electrons: Electrons,
    titles: list[str],
    valences: list[float],
) -> str:
    """All of the file, from the structures at both ends, the steps, and the electrons of the last one."""
    known = {**DEFAULTS, "NBANDS": str(electrons.bands), "NELECT": f"{electrons.number:.8f}", **tags}
    end = eigenvalues(electrons) + dos(electrons, len(last), known)
    if "T" in known["LOPTICS"].upper():
        end += dielectric(electrons, int(known["NEDOS"]))
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n<generator>\n'
        '<i name="program" type="string">vasp </i>\n<i name="version" type="string">6.4.2  </i>\n</generator>\n'
        f"<incar>\n{''.join(entry(*pair) for pair in tags.items())}</incar>\n"
        f"{kpoints(electrons)}"
        f"<parameters>\n{''.join(entry(*pair) for pair in known.items())}</parameters>\n"
        f"{atominfo(first, titles, valences)}{structure(first, 'initialpos')}"
        f"{CLOSED.join(steps)}{end}</calculation>\n{structure(last, 'finalpos')}</modeling>\n"
    )
