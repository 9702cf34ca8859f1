"""The unmodified terraform provider for AWS makes a cluster on Fargate with shared storage, and removes it again.

Nearly all of its time is sleep: the provider waits ten seconds here and there, and up to a minute before it deletes a
cluster, whatever answers it.
"""

from pathlib import Path

import pytest

from local.cloud import EmbeddedCloud
from tests.clients.terraform import Terraform, configured

pytestmark = pytest.mark.timeout(3000)
CONFIGURATION = Path(__file__).parent / "network_to_coredns"
MANAGED = 35


@pytest.fixture(scope="module")
def terraform(cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    access_key = cloud.administrator_access_key()
    environment = {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_REGION": cloud.region,
        "AWS_ACCESS_KEY_ID": access_key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": access_key["SecretAccessKey"],
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return configured(tmp_path_factory.mktemp("terraform") / "work", CONFIGURATION, environment)


def test_terraform_makes_everything_from_vpc_to_coredns_sees_no_change_and_removes_it_all(
    cloud: EmbeddedCloud, terraform: Terraform
) -> None:
    before = _kept(cloud)
    terraform("apply", "-auto-approve", "-input=false")
    assert len(terraform.resources()) == MANAGED
    assert cloud.client("eks").describe_addon(clusterName="by-terraform", addonName="coredns")["addon"]["status"] == (
        "ACTIVE"
    )

    # Exit code 2, which is no success, means that there is something to change.
    terraform("plan", "-detailed-exitcode", "-input=false")

    terraform("destroy", "-auto-approve", "-input=false", "-refresh=false")
    assert terraform.resources() == []
    assert _kept(cloud) == before
    assert "by-terraform" not in cloud.client("eks").list_clusters()["clusters"]
    assert cloud.client("efs").describe_file_systems(CreationToken="terraform")["FileSystems"] == []


def _kept(cloud: EmbeddedCloud) -> set[str]:
    """What of a network outlives the rest of it when something goes wrong."""
    ec2 = cloud.client("ec2")
    return {
        *(vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]),
        *(address["AllocationId"] for address in ec2.describe_addresses()["Addresses"]),
        *(interface["NetworkInterfaceId"] for interface in ec2.describe_network_interfaces()["NetworkInterfaces"]),
        *(group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"]),
    }
