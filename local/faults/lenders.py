"""Another account with a file system, as its people have made it: in a VPC that is peered with the cluster's."""

import threading
import time
from typing import Any

from local import vpcs
from local.aws.administrators import administrator_of
from local.cloud import EmbeddedCloud
from local.faults.accounts import roll_out_roles

LENDER = "666677778888"
PATIENCE_SECONDS = 300.0
_ROLES = threading.Lock()
PODS = "10.40.0.0/16"
"""As `vpcs.peered` has them."""


def client(cloud: EmbeddedCloud, service: str, account_id: str = LENDER) -> Any:
    """Of the account's administrator."""
    return cloud.server.client(service, region=cloud.region, credentials=administrator_of(account_id))


def lent(cloud: EmbeddedCloud, account_id: str = LENDER, *, with_roles: bool = True) -> dict[str, Any]:
    """The parts of a request for a cluster whose file system another account has; all that it takes is made.

    `with_roles`: accounts/target.yaml is in that account too.
    """
    with _ROLES:
        if with_roles and not client(cloud, "iam", account_id).list_roles()["Roles"]:
            roll_out_roles(cloud, account_id, HubAccountId=cloud.account_id)
    ec2, efs = client(cloud, "ec2", account_id), client(cloud, "efs", account_id)
    parts = vpcs.peered(cloud, theirs=ec2)
    peer = parts["file_system"]["peer"]
    group = ec2.create_security_group(GroupName=f"nfs-{peer['vpc_id']}", Description="NFS", VpcId=peer["vpc_id"])
    rule = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "IpRanges": [{"CidrIp": PODS}]}
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
    made = efs.create_file_system(CreationToken=peer["vpc_id"], Encrypted=True)["FileSystemId"]
    _until_available(lambda: efs.describe_file_systems(FileSystemId=made)["FileSystems"])
    for subnet_id in peer["subnet_ids"]:
        efs.create_mount_target(FileSystemId=made, SubnetId=subnet_id, SecurityGroups=[group["GroupId"]])
    _until_available(lambda: efs.describe_mount_targets(FileSystemId=made)["MountTargets"])
    return {**parts, "file_system": {"existing": made, "peer": {**peer, "account_id": account_id}}}


def _until_available(describe: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(each["LifeCycleState"] != "available" for each in describe()):
        if time.monotonic() > deadline:
            raise TimeoutError("the lender's storage did not become available")
        time.sleep(0.05)
