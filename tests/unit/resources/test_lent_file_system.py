"""A file system of another account: what would keep pods from it is told with who has to do what, no more."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
import pytest

from local import vpcs
from provisioner.aws.session import Target
from provisioner.defaults import peer_problems
from provisioner.errors import ErrorReason, RetryableError, TerminalError
from provisioner.request import ExistingNetwork, Request, StorageRequest
from provisioner.resources import (
    account,
    file_system,
    lent_file_system,
    lent_file_system_drift,
    mount_targets,
    peer,
    peer_drift,
)
from provisioner.resources.peer_ways import View
from provisioner.resources.vpc import Network, subnets_of
from tests.unit.resources.aws_calls import Calls, alter, client, http
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.fake_iam import FakeIam
from tests.unit.resources.fake_quotas import FakeQuotas
from tests.unit.resources.samples import ACCOUNT_ID, REGION, request_for
from tests.unit.resources.test_networks_page import OF_A_LENDER, PAGE, quoted

LENDER = "444455556666"
ZONES = ("ap-northeast-1a", "ap-northeast-1c")
PODS = "10.40.0.0/16"


def of_lender(service: str) -> Any:
    role = f"arn:aws:iam::{LENDER}:role/people"
    given = boto3.client("sts", REGION).assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]
    keys: dict[str, Any] = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    session = boto3.session.Session(region_name=REGION, **keys)
    return session.client(service)  # type: ignore[call-overload]


@dataclass
class Lent:
    ours: Any
    theirs: Any
    efs: Any
    here: vpcs.Vpc
    there: vpcs.Vpc
    link_id: str
    file_system_id: str
    group_id: str

    @property
    def pods(self) -> Network:
        return Network.from_subnets(self.here.vpc_id, subnets_of(self.here.subnet_ids, self.ours))

    def request(self, **file_system: Any) -> Request:
        named = {"vpc_id": self.there.vpc_id, "subnet_ids": list(self.there.subnet_ids), "account_id": LENDER}
        return request_for(file_system={"existing": self.file_system_id, "peer": named, **file_system})

    def look(self, **file_system: Any) -> lent_file_system.Found:
        request = self.request(**file_system)
        return lent_file_system.look(request, self.pods, self.efs, self.theirs, self.ours)

    def lack(self, **file_system: Any) -> lent_file_system.Lack:
        """The only one."""
        (lack,) = self.look(**file_system).lacks
        return lack

    def ways(self) -> tuple[list[str], list[str]]:
        wanted, lender = self.request().file_system.peer, View(LENDER, self.theirs)
        assert wanted is not None
        problems, warnings = peer.check(self.request(), wanted, self.pods, self.ours, lender)
        return [f"{each.what} -> {each.remedy}" for each in problems], warnings

    def target_ids(self) -> list[str]:
        return [each["MountTargetId"] for each in mount_targets.find(self.file_system_id, self.efs).values()]


@pytest.fixture
def lent(ec2: Any) -> Lent:
    theirs, efs = of_lender("ec2"), of_lender("efs")
    here, there = vpcs.make(ec2, PODS, ZONES), vpcs.make(theirs, "10.50.0.0/16", ZONES)
    link_id = vpcs.peer(ec2, here, there, theirs)
    group = theirs.create_security_group(GroupName="nfs", Description="NFS", VpcId=there.vpc_id)["GroupId"]
    theirs.authorize_security_group_ingress(GroupId=group, IpPermissions=[nfs(IpRanges=[{"CidrIp": PODS}])])
    file_system = efs.create_file_system(CreationToken="theirs", Encrypted=True)["FileSystemId"]
    for subnet_id in there.subnet_ids:
        efs.create_mount_target(FileSystemId=file_system, SubnetId=subnet_id, SecurityGroups=[group])
    return Lent(ec2, theirs, efs, here, there, link_id, file_system, group)


def nfs(**source: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, **source}


def test_one_that_pods_can_use_lacks_nothing_and_is_never_changed(lent: Lent) -> None:
    calls = Calls(lent.theirs, lent.efs, lent.ours)
    found = lent.look()
    assert (found.lacks, found.unseen, lent.ways()) == ([], [], ([], []))
    assert not lent_file_system_drift.inspect(lent.request(), found).differences
    seen = lent_file_system.observe(lent.request(), lent.efs)
    assert seen.facts == {
        "file_system_id": lent.file_system_id,
        "access_point_id": None,
        "access_point_ids": {"efs-pv": None},
    }
    targets = lent_file_system.observe_mount_targets(lent.request(), lent.file_system_id, lent.efs)
    assert [each["availability_zone_id"] for each in targets.facts["mount_targets"]] == ["apne1-az1", "apne1-az4"]
    assert calls.mutating == []


def test_one_that_the_account_does_not_have_is_all_that_is_told(lent: Lent) -> None:
    lack = lent.lack(existing="fs-00000000")
    assert lack.what == f"file_system.existing is fs-00000000, which account {LENDER} does not have in {REGION}"
    missing = lent.request(existing="fs-00000000")
    with pytest.raises(TerminalError, match=f"account {LENDER} does not have"):
        lent_file_system.observe(missing, lent.efs)
    (difference,) = lent_file_system_drift.inspect(missing, lent.look(existing="fs-00000000")).differences
    assert (difference.path, difference.repairable) == ("exists", False)


@pytest.mark.parametrize(
    ("change", "path", "said", "remedy"),
    [
        ({"LifeCycleState": "deleting"}, "status", "is deleting", f"account {LENDER} has made this one so"),
        ({"Encrypted": False}, "encrypted", "is not encrypted", f"have account {LENDER} copy the data"),
        (
            {"FileSystemProtection": {"ReplicationOverwriteProtection": "REPLICATING"}},
            "replication",
            "which makes it read-only",
            f"have account {LENDER} delete the replication",
        ),
    ],
)
def test_what_it_is_itself_may_keep_pods_from_it(
    change: dict[str, Any], path: str, said: str, remedy: str, lent: Lent
) -> None:
    alter(lent.efs, "DescribeFileSystems", lambda parsed: [each.update(change) for each in parsed["FileSystems"]])
    lack = lent.lack()
    assert lack.path == path
    assert said in lack.what
    assert remedy in lack.remedy
    with pytest.raises(TerminalError, match=said):
        lent_file_system.observe(lent.request(), lent.efs)


def test_a_state_that_passes_by_itself_keeps_nobody_from_it(lent: Lent) -> None:
    alter(
        lent.efs, "DescribeFileSystems", lambda p: [each.update(LifeCycleState="updating") for each in p["FileSystems"]]
    )
    assert lent.look().lacks == []
    assert lent_file_system.observe(lent.request(), lent.efs).ready


def test_another_key_than_asked_for_is_told(lent: Lent) -> None:
    key = f"arn:aws:kms:{REGION}:{LENDER}:key/00000000-0000-0000-0000-000000000000"
    assert f"asked for {key}, in account {LENDER}" in lent.lack(kms_key_arn=key).what


def put_policy(lent: Lent, **statement: Any) -> None:
    allow = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "elasticfilesystem:Client*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**allow, **statement}]})
    lent.efs.put_file_system_policy(FileSystemId=lent.file_system_id, Policy=document)


def test_a_policy_for_identities_only_is_told_with_what_to_allow(lent: Lent) -> None:
    put_policy(lent, Principal={"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"})
    lack = lent.lack()
    assert lack.path == "policy"
    assert lack.remedy.startswith(f"have account {LENDER} allow elasticfilesystem:ClientMount, ")
    put_policy(lent, Action="elasticfilesystem:ClientMount")
    assert "ClientWrite, elasticfilesystem:ClientRootAccess to the principal *" in lent.lack().remedy
    put_policy(lent, Condition={"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}})
    assert lent.look().lacks == []


def test_a_policy_that_only_a_mount_can_judge_is_a_warning(lent: Lent) -> None:
    put_policy(lent, Condition={"IpAddress": {"aws:VpcSourceIp": PODS}})
    found = lent.look()
    assert found.lacks == []
    assert f"whether the policy of {lent.file_system_id} lets pods in cannot be told" in found.unseen[0]


def test_without_an_available_mount_target_in_the_subnets_it_is_told_what_there_is(lent: Lent) -> None:
    alter(
        lent.efs,
        "DescribeMountTargets",
        lambda parsed: [each.update(LifeCycleState="creating") for each in parsed["MountTargets"]],
    )
    lack = lent.lack()
    assert lack.path == "mountTargets"
    assert f"{lent.target_ids()[0]} in {lent.there.subnet_ids[0]} is creating" in lack.what
    assert f"have account {LENDER} make one there" in lack.remedy
    with pytest.raises(TerminalError, match="has no mount target that is available"):
        lent_file_system.observe_mount_targets(lent.request(), lent.file_system_id, lent.efs)


def test_only_addresses_in_the_subnets_that_are_named_are_mounted(lent: Lent) -> None:
    one = lent.there.subnet_ids[0]
    named = {"vpc_id": lent.there.vpc_id, "subnet_ids": [one], "account_id": LENDER}
    request = lent.request(peer=named)
    (target,) = lent_file_system.usable_mount_targets(request, lent.file_system_id, lent.efs)
    assert target["SubnetId"] == one
    found = mount_targets.find_addresses(request, lent.file_system_id, lent.efs)
    assert found == {target["AvailabilityZoneId"]: target["IpAddress"]}


def test_groups_that_do_not_admit_all_pods_are_named_with_what_to_allow(lent: Lent) -> None:
    lent.theirs.revoke_security_group_ingress(GroupId=lent.group_id, IpPermissions=[nfs(IpRanges=[{"CidrIp": PODS}])])
    part = nfs(IpRanges=[{"CidrIp": "10.40.16.0/20"}])
    lent.theirs.authorize_security_group_ingress(GroupId=lent.group_id, IpPermissions=[part])
    lack = lent.lack()
    assert lack.path == f"ingress.{lent.group_id}"
    assert all(target_id in lack.what for target_id in lent.target_ids())
    assert lack.remedy == f"have account {LENDER} allow tcp 2049 from 10.40.32.0/20 in {lent.group_id}"


def test_a_prefix_list_that_may_have_the_pods_is_a_warning(lent: Lent) -> None:
    def with_a_list(parsed: dict[str, Any]) -> None:
        for group in parsed["SecurityGroups"]:
            group["IpPermissions"] = [nfs(PrefixListIds=[{"PrefixListId": "pl-0123456789abcdef0"}])]

    alter(lent.theirs, "DescribeSecurityGroups", with_a_list)
    found = lent.look()
    assert found.lacks == []
    assert f"whether the prefix lists in {lent.group_id}" in found.unseen[0]


@pytest.mark.parametrize(("side", "account_id"), [("theirs", LENDER), ("ours", ACCOUNT_ID)])
def test_a_network_acl_on_either_side_is_named_with_its_account(side: str, account_id: str, lent: Lent) -> None:
    ec2, vpc = (lent.theirs, lent.there) if side == "theirs" else (lent.ours, lent.here)
    (acl,) = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc.vpc_id]}])["NetworkAcls"]
    ec2.create_network_acl_entry(
        NetworkAclId=acl["NetworkAclId"],
        RuleNumber=1,
        Protocol="-1",
        RuleAction="deny",
        Egress=False,
        CidrBlock="0.0.0.0/0",
    )
    lack = lent.lack()
    assert lack.path == f"acl.{acl['NetworkAclId']}"
    assert lack.remedy.endswith(f" in {acl['NetworkAclId']} in account {account_id}")


def cut(side: str) -> Callable[[Lent], object]:
    def act(lent: Lent) -> None:
        ec2, vpc, other = (lent.ours, lent.here, lent.there) if side == "ours" else (lent.theirs, lent.there, lent.here)
        ec2.delete_route(RouteTableId=vpc.table_id, DestinationCidrBlock=other.cidr)

    return act


@pytest.mark.parametrize(("side", "account_id"), [("theirs", LENDER), ("ours", ACCOUNT_ID)])
def test_a_route_that_is_missing_is_for_its_own_account_to_make(side: str, account_id: str, lent: Lent) -> None:
    cut(side)(lent)
    (problem,), _ = lent.ways()
    table = (lent.here if side == "ours" else lent.there).table_id
    assert f"to {lent.link_id} in {table} in account {account_id}" in problem
    wanted = lent.request().file_system.peer
    assert wanted is not None
    found = peer_drift.inspect(wanted, lent.pods, ACCOUNT_ID, lent.ours, View(LENDER, lent.theirs))
    (difference,) = [each for inspected in found for each in inspected.differences]
    assert difference.path == f"{'routes' if side == 'ours' else 'routes back'}.{table}"


def test_a_peering_is_the_lenders_to_accept(lent: Lent) -> None:
    pending = {"Code": "pending-acceptance"}
    alter(
        lent.ours,
        "DescribeVpcPeeringConnections",
        lambda parsed: [each.update(Status=pending) for each in parsed["VpcPeeringConnections"]],
    )
    assert lent.ways()[0][0].endswith(f"-> accept {lent.link_id} in account {LENDER}")


def test_a_vpc_or_subnet_that_the_lender_does_not_have_is_told_with_the_account(lent: Lent) -> None:
    lent.efs.delete_mount_target(MountTargetId=lent.target_ids()[1])
    lent.theirs.delete_subnet(SubnetId=lent.there.subnet_ids[0])
    (problem,), _ = lent.ways()
    assert f"{lent.there.subnet_ids[0]}, which does not exist in account {LENDER}" in problem


def behind_a_gateway(lent: Lent, owner: str) -> None:
    """Each account is told of its own attachment; the gateway's owner of its table, too."""
    attached = {lent.here.vpc_id: lent.here.cidr, lent.there.vpc_id: lent.there.cidr}
    routes = [
        {"DestinationCidrBlock": cidr, "State": "active", "TransitGatewayAttachments": [{"ResourceId": vpc_id}]}
        for vpc_id, cidr in attached.items()
    ]
    for account_id, ec2, vpc, other in (
        (ACCOUNT_ID, lent.ours, lent.here, lent.there),
        (LENDER, lent.theirs, lent.there, lent.here),
    ):
        ec2.delete_route(RouteTableId=vpc.table_id, DestinationCidrBlock=other.cidr)
        table = {"Association": {"TransitGatewayRouteTableId": "tgw-rtb-1"}} if owner == account_id else {}
        answering(ec2, "DescribeVpcPeeringConnections", VpcPeeringConnections=[])
        answering(ec2, "DescribeTransitGatewayVpcAttachments", TransitGatewayVpcAttachments=[attachment(vpc)])
        answering(
            ec2,
            "DescribeTransitGatewayAttachments",
            TransitGatewayAttachments=[{"TransitGatewayOwnerId": owner, **table}],
        )
        answering(ec2, "SearchTransitGatewayRoutes", Routes=routes)
        route_to_the_gateway(ec2, other.cidr)


def attachment(vpc: vpcs.Vpc) -> dict[str, Any]:
    return {
        "TransitGatewayId": "tgw-1",
        "TransitGatewayAttachmentId": f"tgw-attach-{vpc.vpc_id}",
        "VpcId": vpc.vpc_id,
        "SubnetIds": list(vpc.subnet_ids),
        "State": "available",
    }


def route_to_the_gateway(ec2: Any, cidr: str) -> None:
    hop = {"DestinationCidrBlock": cidr, "TransitGatewayId": "tgw-1", "State": "active"}
    alter(ec2, "DescribeRouteTables", lambda parsed: [each["Routes"].append(hop) for each in parsed["RouteTables"]])


def answering(ec2: Any, operation: str, **answer: Any) -> None:
    """moto knows nothing of the gateway."""
    answered = {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}
    ec2.meta.events.register_last(f"before-call.ec2.{operation}", lambda **_: (http(200), answered))


@pytest.mark.parametrize("owner", [ACCOUNT_ID, LENDER])
def test_of_a_transit_gateway_each_account_is_asked_for_its_own(owner: str, lent: Lent) -> None:
    behind_a_gateway(lent, owner)
    calls = {ACCOUNT_ID: Calls(lent.ours), LENDER: Calls(lent.theirs)}
    assert lent.ways() == ([], [])
    asked = {account_id for account_id, made in calls.items() if "SearchTransitGatewayRoutes" in made.names}
    assert asked == {owner}


def test_the_tables_of_a_third_accounts_transit_gateway_are_a_warning(lent: Lent) -> None:
    behind_a_gateway(lent, "999988887777")
    problems, warnings = lent.ways()
    assert problems == []
    assert "of account 999988887777 let" in warnings[0]


def test_all_of_it_is_told_as_unusable(lent: Lent) -> None:
    alter(
        lent.efs, "DescribeFileSystems", lambda parsed: [each.update(Encrypted=False) for each in parsed["FileSystems"]]
    )
    put_policy(lent, Principal={"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"})
    problems = lent.look().problems
    assert [each.reason for each in problems] == [ErrorReason.UNUSABLE] * 2
    found = lent_file_system_drift.inspect(lent.request(), lent.look())
    assert {each.path for each in found.differences} == {"encrypted", "policy"}
    assert all(f"account {LENDER}" in each.resource and not each.repairable for each in found.differences)


@pytest.fixture
def target(lent: Lent, cloudformation: Any, eks: FakeEks, iam: FakeIam, service_quotas: FakeQuotas) -> Target:
    """The cluster's account; who looks at the lender is told by `beside`."""
    target = Target(
        botocore.session.Session(), account_id=ACCOUNT_ID, region=REGION, role_prefix="p", inspect=beside(lent)
    )
    target._clients = {
        "ec2": lent.ours,
        "efs": client("efs"),
        "cloudformation": cloudformation,
        "eks": eks.client,
        "iam": iam.client,
        "service-quotas": service_quotas.client,
    }
    return target


def beside(lent: Lent) -> Callable[[str], Target]:
    def inspect(account_id: str) -> Target:
        if account_id != LENDER:
            arn = f"arn:aws:iam::{account_id}:role/p-inspector"
            raise RetryableError(ErrorReason.ROLE_NOT_ASSUMABLE, arn, remedy="deploy accounts/target.yaml")
        other = Target(botocore.session.Session(), account_id=account_id, region=REGION, role_prefix="p")
        other._clients = {"ec2": lent.theirs, "efs": lent.efs}
        return other

    return inspect


def told(lent: Lent, target: Target, **changes: Any) -> list[str]:
    """What Check account says of the file system and the way to it, with who has to do something."""
    named = {"vpc_id": lent.here.vpc_id, "private_subnet_ids": list(lent.here.subnet_ids)}
    request = lent.request(**changes).model_copy(update={"network": ExistingNetwork.model_validate(named)})
    found = account.Findings()
    account._peer(request, target, found)
    account._file_system(request, target, found)
    return [f"{each.what} ({each.remedy})" for each in found.problems]


def test_check_account_looks_at_the_lender_as_the_inspector_there(lent: Lent, target: Target) -> None:
    assert told(lent, target) == []
    put_policy(lent, Principal={"AWS": f"arn:aws:iam::{LENDER}:root"})
    cut("theirs")(lent)
    assert [each.partition(" of ")[0] for each in told(lent, target)] == ["the policy", lent.there.table_id]


def test_a_cluster_with_a_file_system_of_its_own_in_use_borrows_none(lent: Lent, target: Target) -> None:
    own = file_system.ensure(request_for(), target.client("efs")).facts["file_system_id"]
    (problem,) = told(lent, target)
    assert f"file_system.existing is {lent.file_system_id}, and cluster eks-example has {own}" in problem


def test_what_the_page_quotes_is_what_is_told(lent: Lent, target: Target) -> None:
    one = {"vpc_id": lent.there.vpc_id, "subnet_ids": [lent.there.subnet_ids[1]], "account_id": LENDER}
    said = told(lent, target, peer={**one, "account_id": "999988887777"})
    said += told(lent, target, existing="fs-00000000")
    put_policy(lent, Principal={"AWS": f"arn:aws:iam::{LENDER}:root"})
    lent.theirs.revoke_security_group_ingress(GroupId=lent.group_id, IpPermissions=[nfs(IpRanges=[{"CidrIp": PODS}])])
    part = nfs(IpRanges=[{"CidrIp": "10.40.32.0/20"}])
    lent.theirs.authorize_security_group_ingress(GroupId=lent.group_id, IpPermissions=[part])
    in_vpc = [{"Name": "vpc-id", "Values": [lent.there.vpc_id]}]
    (acl,) = lent.theirs.describe_network_acls(Filters=in_vpc)["NetworkAcls"]
    entry = {"NetworkAclId": acl["NetworkAclId"], "RuleNumber": 1, "Protocol": "-1", "Egress": False}
    lent.theirs.create_network_acl_entry(**entry, RuleAction="deny", CidrBlock="10.40.16.0/20")
    said += told(lent, target, peer=one)
    lent.efs.delete_mount_target(MountTargetId=lent.target_ids()[1])
    said += told(lent, target, peer=one)
    point = {"access_point": {"uid": 1000, "gid": 1000, "path": "/orders"}}
    asked = lent.request().model_copy(update={"storage": StorageRequest.model_validate(point)})
    said += [each.allowed for each in peer_problems(asked)]

    told_of = re.sub(r"\b(subnet|vpc|rtb|pcx|fs|fsmt|sg|acl)-[0-9a-f]{8,}", r"\1-…", "; ".join(said))
    told_of = re.sub(rf"arn:aws:iam::999988887777:role/p-inspector|{LENDER}|999988887777", "…", told_of)
    section = PAGE.partition(OF_A_LENDER)[2].partition("## A private endpoint")[0]
    assert len(quoted(section)) >= 7
    assert [each for each in quoted(section) if each not in told_of] == []
