import pytest

from adatom.analysis.saddle import transition_state
from adatom.errors import AnalysisError


def test_one_imaginary_mode():
    found = transition_state(-1.5, [200.0, -800.0, 300.0])
    assert found == {"name": "transition_state", "energy": -1.5, "imaginary_frequency": 800.0}


@pytest.mark.parametrize(
    ("frequencies", "said"), [([100.0, 200.0], r"has 0 \(none"), ([-3.0, -800.0, 5.0], r"has 2 \(800i, 3i cm")]
)
def test_others(frequencies, said):
    with pytest.raises(AnalysisError, match=said):
        transition_state(0.0, frequencies)
