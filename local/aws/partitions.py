"""Names that differ between AWS's partitions."""

from functools import cache

from botocore.session import get_session


@cache
def dns_suffix(region: str) -> str:
    """`amazonaws.com`, `amazonaws.com.cn`, …; source: botocore's partitions.json."""
    session = get_session()
    partition = session.get_partition_for_region(region)
    partitions = session.get_component("data_loader").load_data("partitions")["partitions"]
    return next(str(each["outputs"]["dnsSuffix"]) for each in partitions if each["id"] == partition)
