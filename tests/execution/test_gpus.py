import pytest

from adatom.execution import gpus
from adatom.execution.gpus import visible_gpus


@pytest.mark.parametrize(
    ("given", "found"), [("0,1", ["0", "1"]), ("GPU-5f, GPU-6a", ["GPU-5f", "GPU-6a"]), ("", []), ("-1", [])]
)
def test_those_that_the_environment_names(given, found, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert visible_gpus() == found


def test_those_that_the_driver_knows(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(gpus, "_DRIVER", tmp_path)
    for bus in ("0000:01:00.0", "0000:02:00.0", "0000:03:00.0"):
        (tmp_path / bus).mkdir()
    assert visible_gpus() == ["0", "1", "2"]
    monkeypatch.setattr(gpus, "_DRIVER", tmp_path / "none")
    assert visible_gpus() == []
