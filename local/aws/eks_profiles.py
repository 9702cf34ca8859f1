"""Fargate profiles: immutable, private subnets only, one creation or deletion at a time per cluster.

Source: EKS API reference, CreateFargateProfile; EKS guide, "Define which Pods use Fargate when launched".
"""

from typing import Any

from moto.core.responses import ActionResult

from local.aws import eks_access, iam, iam_changes, network
from local.aws.availability import types_in
from local.aws.eks_base import NAME, EksOperations
from local.aws.eks_state import Cluster, FargateProfile
from local.aws.policies import Caller
from local.aws.refusals import refusal

MAX_SELECTORS = 5
MAX_LABELS = 5
MAX_PROFILES = 10

ZONES_WITHOUT_FARGATE = {"use1-az3", "usw1-az2", "cac1-az3", "apne1-az3", "cnn1-az4"}
"""Source: EKS guide, "Simplify compute management with AWS Fargate", considerations."""


class ProfileOperations(EksOperations):
    def create_fargate_profile(self) -> ActionResult:
        self._check_region()
        cluster, name = self.active_cluster(), self.parameter("fargateProfileName")
        names = ("fargateProfileName", "podExecutionRoleArn", "subnets", "selectors", "clientRequestToken")
        request = {n: self.parameter(n) for n in names} | {"tags": self.tags_parameter()}
        existing = cluster.profiles.get(name)
        if existing is not None:
            if request["clientRequestToken"] and request == existing.request:
                return ActionResult({"fargateProfile": existing.describe()})
            raise _in_use(cluster, "A Fargate Profile already exists with this name in this cluster.")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise _invalid("The Fargate profile name is not valid")
        if name.startswith("eks-"):
            raise _invalid("Fargate profile names cannot start with eks-")
        _check_selectors(request["selectors"])
        arn = cluster.arn_of("fargateprofile", name)
        self._check_role(request["podExecutionRoleArn"], arn)
        subnets = self._subnets(cluster, request["subnets"])
        self._check_nothing_under_way(cluster, f"Cannot create Fargate Profile {name}")
        if len(cluster.profiles) >= MAX_PROFILES:
            raise refusal("ResourceLimitExceededException", "Fargate profile limit exceeded for cluster")
        profile = FargateProfile(
            name=name,
            cluster_name=cluster.name,
            arn=arn,
            pod_execution_role_arn=request["podExecutionRoleArn"],
            subnets=subnets,
            selectors=request["selectors"],
            tags=request["tags"],
            request=request,
        )
        cluster.profiles[name] = profile
        issues = [*self._zone_issues(profile), *self._admit_nodes(cluster, profile)]

        def finish() -> None:
            profile.status, profile.issues = ("CREATE_FAILED" if issues else "ACTIVE"), issues

        self.later("Fargate profile", finish)
        return ActionResult({"fargateProfile": profile.describe()})

    def describe_fargate_profile(self) -> ActionResult:
        return ActionResult({"fargateProfile": self._profile(self.cluster()).describe()})

    def list_fargate_profiles(self) -> ActionResult:
        return ActionResult(self.page(list(self.cluster().profiles), "fargateProfileNames"))

    def delete_fargate_profile(self) -> ActionResult:
        """Pods that run on Fargate because of it are deleted. Source: EKS API reference, DeleteFargateProfile."""
        cluster = self.cluster()
        profile = self._profile(cluster)
        if profile.status != "DELETING":
            doing = f"Cannot Delete Fargate Profile {profile.name}"  # terraform#25059, terraform-aws-eks#2194
            if cluster.status == "UPDATING":
                raise _in_use(cluster, f"{doing} because cluster {cluster.name} currently has an update in progress")
            self._check_nothing_under_way(cluster, doing)
            profile.status = "DELETING"
            for callback in list(self.cloud.on_profile_deleted):
                callback(cluster, profile.name)

            def finish() -> None:
                cluster.profiles.pop(profile.name, None)

            self.later("Fargate profile deletion", finish)
        return ActionResult({"fargateProfile": profile.describe()})

    def _profile(self, cluster: Cluster) -> FargateProfile:
        name = self.parameter("fargateProfileName")
        found = cluster.profiles.get(name)
        if found is None:
            raise refusal("ResourceNotFoundException", f"No Fargate Profile found with name: {name}.")
        return found

    def _check_region(self) -> None:
        """Source: eksctl#1825, a region without Fargate answers AccessDeniedException; its text is not published."""
        types = types_in(self.region)
        if types is not None and "AWS::EKS::FargateProfile" not in types:
            account = self.current_account
            raise refusal(
                "AccessDeniedException", f"Account {account} is not authorized to use Fargate in {self.region}"
            )

    def _check_role(self, role_arn: str, profile_arn: str) -> None:
        role = iam.find_role(role_arn)
        if role is None or role.path != "/" or iam_changes.seen_trust(role) is None:
            raise _invalid("Provided Pod Execution role ARN is invalid or the role does not exist")
        # Source: EKS user guide, "Amazon EKS Pod execution IAM role": the one key that its trust policy is shown with.
        context = {"aws:SourceArn": profile_arn}
        if not iam.trusts(role, Caller(service="eks-fargate-pods.amazonaws.com"), context):
            raise _invalid(
                "Misconfigured PodExecutionRole Trust Policy; Please add the eks-fargate-pods.amazonaws.com Service "
                "Principal"
            )

    def _subnets(self, cluster: Cluster, asked: list[str] | None) -> list[str]:
        """The subnets asked for, all private and of the cluster's VPC; by default the cluster's private ones."""
        ec2 = network.backend(self.current_account, self.region)
        if not asked:
            found = [network.find_subnet(ec2, subnet_id) for subnet_id in cluster.vpc_config["subnetIds"]]
            private = [subnet.id for subnet in found if subnet is not None and network.is_private(ec2, subnet)]
            if not private:
                raise _invalid("No private subnets found in the cluster's VPC configuration")
            return private
        for subnet_id in asked:
            subnet = network.find_subnet(ec2, subnet_id)
            if subnet is None or subnet.vpc_id != cluster.vpc_config["vpcId"]:
                raise _invalid(f"Subnet {subnet_id} provided in Fargate Profile does not exist in the cluster's VPC")
            if not network.is_private(ec2, subnet):
                raise _invalid(f"Subnet {subnet_id} provided in Fargate Profile is not a private subnet")
        return list(asked)

    def _check_nothing_under_way(self, cluster: Cluster, doing: str) -> None:
        for other in cluster.profiles.values():
            if other.status in ("CREATING", "DELETING"):
                raise _in_use(
                    cluster,
                    f"{doing} because cluster {cluster.name} currently has Fargate profile {other.name} in status "
                    f"{other.status}",
                )

    def _zone_issues(self, profile: FargateProfile) -> list[dict[str, Any]]:
        """Not every zone has Fargate, and EKS only finds out while it creates. Text: eksctl#5677."""
        ec2 = network.backend(self.current_account, self.region)
        subnets = [network.find_subnet(ec2, subnet_id) for subnet_id in profile.subnets]
        return [
            {
                "code": "InternalFailure",
                "message": f"Fargate Profile creation for the Availability Zone {subnet.availability_zone} for Subnet "
                f"{subnet.id} is not supported",
                "resourceIds": [subnet.id],
            }
            for subnet in subnets
            if subnet is not None and subnet.availability_zone_id in ZONES_WITHOUT_FARGATE
        ]

    def _admit_nodes(self, cluster: Cluster, profile: FargateProfile) -> list[dict[str, Any]]:
        """EKS itself adds the pod execution role's entry when the cluster uses entries; the issue that keeps it."""
        role_arn = profile.pod_execution_role_arn
        if cluster.access_config["authenticationMode"] == "CONFIG_MAP":
            return []
        entry = cluster.access_entries.get(role_arn)
        if entry is None:
            self.grant(cluster, eks_access.new_entry(cluster, role_arn, kind="FARGATE_LINUX"))
        elif entry.type != "FARGATE_LINUX":
            message = f"The pod execution role {role_arn} has an access entry of type {entry.type} in this cluster."
            return [{"code": "PodExecutionRoleAlreadyInUse", "message": message, "resourceIds": [role_arn]}]
        return []


def _check_selectors(selectors: Any) -> None:
    if not selectors:
        raise _invalid("Fargate Profile requires at least one selector.")
    if len(selectors) > MAX_SELECTORS:
        raise _invalid("Request contains more than 5 Selectors")
    for selector in selectors:
        if not selector.get("namespace"):
            raise _invalid("Fargate Profile must have at least one selector with at least one namespace value.")
        if len(selector.get("labels", {})) > MAX_LABELS:
            raise _invalid("Request contains Selector with more than 5 Label pairs")


def _invalid(message: str) -> Exception:
    return refusal("InvalidParameterException", message)


def _in_use(cluster: Cluster, message: str) -> Exception:
    return refusal("ResourceInUseException", message, clusterName=cluster.name)
