"""Access entries of the embedded EKS decide who is let in, a little after they say so."""

from typing import Any

from tests.local.aws.calls import CLUSTER_ADMIN, assume, code, request_for, token_of


def test_an_access_entry_lets_its_principal_in_only_after_a_while(parts: Any, cluster: Any) -> None:
    eks, role = parts.client("eks"), parts.role("operator")
    token = token_of(assume(parts, role), "demo")
    authenticate = parts.control_planes.authenticators["demo"]
    eks.create_access_entry(clusterName="demo", principalArn=role)
    eks.associate_access_policy(
        clusterName="demo", principalArn=role, policyArn=CLUSTER_ADMIN, accessScope={"type": "cluster"}
    )
    assert authenticate(token) is None
    parts.clock.pass_time()
    user = authenticate(token)
    assert "eks-access-policy:AmazonEKSClusterAdminPolicy" in user.groups
    assert user.username == "arn:aws:sts::123456789012:assumed-role/operator/session"
    assert authenticate(token_of(assume(parts, role), "another")) is None
    eks.delete_access_entry(clusterName="demo", principalArn=role)
    assert authenticate(token) is not None
    parts.clock.pass_time()
    assert authenticate(token) is None


def test_a_role_with_a_path_is_recognised_and_one_made_anew_is_not(parts: Any, cluster: Any) -> None:
    eks, role = parts.client("eks"), parts.role("operator", Path="/team/")
    authenticate = parts.control_planes.authenticators["demo"]
    eks.create_access_entry(clusterName="demo", principalArn=role)
    parts.clock.pass_time()
    assert authenticate(token_of(assume(parts, role), "demo")) is not None
    parts.client("iam").delete_role(RoleName="operator")
    parts.role("operator", Path="/team/")
    assert authenticate(token_of(assume(parts, role), "demo")) is None


def test_access_entries_are_described_listed_updated_and_refused_as_eks_does(parts: Any, cluster: Any) -> None:
    eks, role = parts.client("eks"), parts.role("operator")
    both = {"clusterName": "demo", "principalArn": role}
    assert code(eks.describe_access_entry, **both) == "ResourceNotFoundException"
    eks.create_access_entry(**both, tags={"a": "b"}, kubernetesGroups=["people"])
    assert code(eks.create_access_entry, **both) == "ResourceInUseException"
    entry = eks.describe_access_entry(**both)["accessEntry"]
    assert (entry["type"], entry["kubernetesGroups"], entry["tags"]) == ("STANDARD", ["people"], {"a": "b"})
    assert eks.list_access_entries(clusterName="demo")["accessEntries"] == [role]
    eks.associate_access_policy(**both, policyArn=CLUSTER_ADMIN, accessScope={"type": "cluster"})
    assert [
        policy["policyArn"] for policy in eks.list_associated_access_policies(**both)["associatedAccessPolicies"]
    ] == [CLUSTER_ADMIN]
    eks.disassociate_access_policy(**both, policyArn=CLUSTER_ADMIN)
    assert eks.list_associated_access_policies(**both)["associatedAccessPolicies"] == []
    unknown = {"policyArn": CLUSTER_ADMIN + "X", "accessScope": {"type": "cluster"}}
    assert code(eks.associate_access_policy, **both, **unknown) == "InvalidParameterException"
    nobody = "arn:aws:iam::123456789012:role/nobody"
    assert code(eks.create_access_entry, clusterName="demo", principalArn=nobody) == "InvalidParameterException"


def test_entries_need_an_active_cluster_that_uses_them(parts: Any, network: Any) -> None:
    eks, role = parts.client("eks"), parts.role("operator")
    eks.create_cluster(**request_for(parts, network))
    assert code(eks.create_access_entry, clusterName="demo", principalArn=role) == "InvalidRequestException"
    parts.clock.pass_time()
    assert code(eks.create_access_entry, clusterName="demo", principalArn=role) == "InvalidRequestException"
    assert code(eks.list_access_entries, clusterName="none") == "ResourceNotFoundException"


def test_the_creator_is_an_administrator_unless_asked_not_to(parts: Any, network: Any) -> None:
    role = parts.role("operator")
    credentials = assume(parts, role)
    access = {"authenticationMode": "API"}
    parts.client("eks", credentials).create_cluster(**request_for(parts, network, accessConfig=access))
    parts.clock.pass_time()
    entries = parts.client("eks").list_access_entries(clusterName="demo", associatedPolicyArn=CLUSTER_ADMIN)
    assert entries["accessEntries"] == [role]


def test_in_mode_config_map_the_creator_is_a_master_without_an_entry(parts: Any, network: Any) -> None:
    credentials = assume(parts, parts.role("operator"))
    parts.client("eks", credentials).create_cluster(**request_for(parts, network))
    parts.clock.pass_time()
    user = parts.control_planes.authenticators["demo"](token_of(credentials, "demo"))
    assert "system:masters" in user.groups


def test_a_role_of_identity_center_has_an_entry_by_its_whole_arn_alone(parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    role = parts.role("AWSReservedSSO_Admin_0123456789abcdef", Path="/aws-reserved/sso.amazonaws.com/eu-west-1/")
    without_path = "arn:aws:iam::123456789012:role/AWSReservedSSO_Admin_0123456789abcdef"
    assert code(eks.create_access_entry, clusterName="demo", principalArn=without_path) == "InvalidParameterException"
    both = {"clusterName": "demo", "principalArn": role}
    eks.create_access_entry(**both)
    assert eks.describe_access_entry(**both)["accessEntry"]["principalArn"] == role
    assert eks.list_associated_access_policies(**both)["associatedAccessPolicies"] == []


def test_roles_and_users_are_as_old_as_the_second_says(parts: Any) -> None:
    parts.role("operator")
    iam = parts.client("iam")
    iam.create_user(UserName="person")
    made = [iam.get_role(RoleName="operator")["Role"], iam.get_user(UserName="person")["User"]]
    assert [each["CreateDate"].microsecond for each in made] == [0, 0]
