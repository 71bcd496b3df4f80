"""Elastic constants of a crystal, and what is made of them."""

from ase.build import bulk

from adatom.recipes.emt import elastic_tensor_flow

for symbol in ("Cu", "Al"):
    result = elastic_tensor_flow(bulk(symbol))
    elasticity = result["elasticity"]
    c = elasticity["elastic_tensor"]["ieee_format"]
    print(f"{symbol}, from {len(result['relax'])} strains")
    print(f"  C11 {c[0, 0]:.1f}, C12 {c[0, 1]:.1f}, C44 {c[3, 3]:.1f} GPa")
    bulk_modulus, shear_modulus = elasticity["bulk_modulus"]["vrh"], elasticity["shear_modulus"]["vrh"]
    print(f"  bulk modulus {bulk_modulus:.1f} GPa, shear modulus {shear_modulus:.1f} GPa")
    print(f"  anisotropy {elasticity['universal_anisotropy']:.2f}, stable: {elasticity['stable']}")
