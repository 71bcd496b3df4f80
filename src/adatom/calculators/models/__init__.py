"""Machine-learned potentials: a registry, and the construction of their calculators.

Rows of the registry come from the YAML files in `tables` beside this file, from entry points of the group
``adatom.models``, whose objects are dictionaries of rows by name, and from the YAML file that the setting `models`
names. A later row replaces an earlier one of the same name.
"""

from adatom.calculators.models.forms import Calculator, refuse_list
from adatom.calculators.models.identity import identify_model
from adatom.calculators.models.making import calculator_needs, make_model
from adatom.calculators.models.names import model_label, named_model
from adatom.calculators.models.registry import model, model_names
from adatom.calculators.models.rows import Model

__all__ = [
    "Calculator",
    "Model",
    "calculator_needs",
    "identify_model",
    "make_model",
    "model",
    "model_label",
    "model_names",
    "named_model",
    "refuse_list",
]
