"""The embedded cloud as a whole: what its clusters do not share."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import local.cloud
from local.cloud import EmbeddedCloud


def test_clusters_of_one_name_in_other_accounts_and_regions_have_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders: list[Path] = []

    def simulator(_plane: Any, _data_plane: Any, _clock: Any, folder: Path, **_: Any) -> Any:
        folders.append(folder)
        return SimpleNamespace(start=lambda: None)

    monkeypatch.setattr(local.cloud, "FargateSimulator", simulator)
    monkeypatch.setattr(local.cloud, "ClusterDataPlane", lambda *_: None)
    cloud = EmbeddedCloud(tmp_path)
    for place in ("eu-west-1:111122223333", "eu-west-1:444455556666", "us-east-1:111122223333"):
        cluster: Any = SimpleNamespace(name="eks-example", arn=f"arn:aws:eks:{place}:cluster/eks-example")
        cloud._attach_fargate(cluster, SimpleNamespace())
    assert len(set(folders)) == 3
