"""Where a cluster can be made: what AWS publishes per region, and where the SDK knows the endpoints.

regions.json has the CloudFormation types that a region lacks of those that make a cluster; `make generate` writes it. A
region that is not in it is refused: nothing is known of it, and what is missing would show only after a cluster had
been built and billed.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import boto3
import botocore.session

_IN_WORDS: Final = {"AWS::EKS::FargateProfile": "EKS on Fargate"}


@cache
def supported_regions() -> frozenset[str]:
    """Regions of every partition with all that a cluster needs, and with endpoints that this botocore knows."""
    complete = {region for region, missing in _missing().items() if not missing}
    return frozenset(complete & _with_endpoints())


@cache
def partition_of(region: str) -> str:
    """`aws`, `aws-cn`, …: the partition of a supported region. Cached: botocore reads a file of a megabyte for it."""
    return botocore.session.get_session().get_partition_for_region(region)


def shortcoming(region: object) -> str | None:
    """Why no cluster can be made in a region that there is; None for a supported region and for what is none."""
    if not isinstance(region, str):
        return None
    if missing := _missing().get(region):
        return f"{region} has no {', '.join(_IN_WORDS.get(each, each) for each in missing)}"
    if region in _with_endpoints() - supported_regions():
        return f"what {region} has is not published"
    return None


@cache
def _missing() -> Mapping[str, Sequence[str]]:
    missing: dict[str, list[str]] = json.loads(
        files("provisioner").joinpath("regions.json").read_text(encoding="utf-8")
    )
    return missing


@cache
def _with_endpoints() -> frozenset[str]:
    session = boto3.session.Session()
    return frozenset(
        region
        for partition in session.get_available_partitions()
        for region in set(session.get_available_regions("eks", partition_name=partition))
        & set(session.get_available_regions("efs", partition_name=partition))
    )
