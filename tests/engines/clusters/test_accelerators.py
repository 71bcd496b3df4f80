"""The GPUs of a batch job, shared by its workers."""

import os
from types import SimpleNamespace

import pytest

from adatom.engines.clusters.accelerators import dask_setup


@pytest.mark.parametrize(
    ("workers", "visible", "shares"),
    [
        (4, "0,1,2,3", ["0", "1", "2", "3"]),
        (2, "0,1,2,3", ["0,1", "2,3"]),
        (2, "GPU-a,GPU-b", ["GPU-a", "GPU-b"]),
        (1, "0,1", ["0,1"]),
        (2, None, ["0,1", "2,3"]),  # a scheduler that does not say which
        (2, "", ["0,1", "2,3"]),
    ],
)
def test_each_worker_has_its_own(monkeypatch, workers, visible, shares):
    monkeypatch.setenv("WORKERS_PER_NODE", str(workers))
    monkeypatch.setenv("GPUS_PER_NODE", "4")
    found = []
    for number in range(workers):
        with monkeypatch.context() as patch:
            patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
            if visible is not None:
                patch.setenv("CUDA_VISIBLE_DEVICES", visible)
            name = f"SLURMCluster-0-{number}" if workers > 1 else "SLURMCluster-0"
            dask_setup(SimpleNamespace(name=name))
            found.append(os.environ["CUDA_VISIBLE_DEVICES"])
    assert found == shares
