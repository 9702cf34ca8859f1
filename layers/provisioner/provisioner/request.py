"""What a person, an event or a default may ask for: one cluster with proven shared storage.

`{}` plus an account and a region is a complete request. A Request is normalised: every field is there, so later
states read it without defaults of their own. `python -m provisioner.request` prints the JSON Schema of the input.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from provisioner import fields
from provisioner.fields import KEPT_TAG as KEPT_TAG
from provisioner.fields import OWNER_TAG as OWNER_TAG

TransitionToInfrequentAccess = Literal[
    "AFTER_1_DAY",
    "AFTER_7_DAYS",
    "AFTER_14_DAYS",
    "AFTER_30_DAYS",
    "AFTER_60_DAYS",
    "AFTER_90_DAYS",
    "AFTER_180_DAYS",
    "AFTER_270_DAYS",
    "AFTER_365_DAYS",
]
# Others EFS could do, but no proof: it takes several pods, which write.
AccessMode = Literal["ReadWriteMany", "ReadWriteOnce"]
ControlPlaneLog = Literal["api", "audit", "authenticator", "controllerManager", "scheduler"]


class _Part(BaseModel):
    """Strict: "3" is not 3, and a field nobody knows is a mistake, not an extension."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=False)


class ClusterRequest(_Part):
    name: fields.ClusterName = "eks-example"
    version: fields.KubernetesVersion | None = None
    upgrade_policy: Annotated[
        Literal["STANDARD", "EXTENDED"] | None,
        Field(
            description="what EKS does when standard support of the version ends: STANDARD upgrades the cluster, "
            "EXTENDED keeps the version for another year at six times the price; null: a new cluster has STANDARD "
            "(EXTENDED where that is all its version still has), an existing one what it has"
        ),
    ] = None
    service_ipv4_cidr: fields.ServiceCidr | None = None
    ip_family: fields.IpFamily = "ipv4"
    endpoint_access: Literal["public", "private", "public_and_private"] = "public_and_private"
    public_access_cidrs: Annotated[list[fields.PublicCidr], Field(min_length=1, max_length=40), fields.Unique] = [
        "0.0.0.0/0"
    ]
    admin_principal_arns: Annotated[list[fields.PrincipalArn], Field(max_length=50), fields.Unique] = []
    secrets_key_arn: fields.KeyArn | None = None
    control_plane_logs: Annotated[list[ControlPlaneLog], fields.Unique] = ["audit", "authenticator"]
    control_plane_log_retention_days: fields.LogRetentionDays = 90
    deletion_protection: Annotated[
        bool | None, Field(description="whether EKS refuses to delete the cluster; null leaves it as it is")
    ] = None


class CreatedNetwork(_Part):
    """A VPC of the cluster's own: a public and a private subnet per zone; /24 still gives each of six 27 addresses."""

    cidr: fields.VpcCidr = "192.168.0.0/16"
    availability_zones: fields.ZoneChoice = 3
    private_subnet_prefix_length: fields.PrivatePrefix | None = None
    nat: Literal["single", "per_zone"] = "single"

    @property
    def zone_count(self) -> int:
        zones = self.availability_zones
        return zones if isinstance(zones, int) else len(zones)

    @property
    def zone_ids(self) -> list[str]:
        """Those that are named, in their order of creation; none when only their number is."""
        zones = self.availability_zones
        return [] if isinstance(zones, int) else sorted(zones)


class ExistingNetwork(_Part):
    """A VPC that is checked and never changed."""

    vpc_id: fields.VpcId
    private_subnet_ids: Annotated[
        list[fields.SubnetId],
        Field(min_length=2, max_length=16, description="2 to 16 ids of private subnets, in different zones"),
        fields.Unique,
    ]


NETWORK_FORMS: Final[Mapping[str, type[CreatedNetwork] | type[ExistingNetwork]]] = {
    "created": CreatedNetwork,
    "existing": ExistingNetwork,
}


def network_form(network: Any) -> str:
    """Which of NETWORK_FORMS a network is or means to be; one that names nothing is created."""
    if isinstance(network, ExistingNetwork):
        return "existing"
    names_existing = isinstance(network, Mapping) and bool(network.keys() & ExistingNetwork.model_fields.keys())
    return "existing" if names_existing else "created"


class PeerRequest(_Part):
    """Another VPC, for the mount targets; `account_id` is whose it is, null the cluster's own.

    Of another account, its file system is there already, with mount targets: file_system.existing names it.
    """

    vpc_id: fields.VpcId
    subnet_ids: Annotated[
        list[fields.SubnetId],
        Field(min_length=1, max_length=16, description="1 to 16 ids of that VPC's subnets, best one per zone of pods"),
        fields.Unique,
    ]
    account_id: fields.AccountId | None = None


class FileSystemRequest(_Part):
    """`existing` is one that a removal kept: it is taken over with its data; null is the cluster's own. One of the
    account that `peer` names is mounted, and never changed, so that nothing below `peer` is asked of it but its key.

    `peer` is where its mount targets are; null is the cluster's own network.
    """

    existing: fields.FileSystemId | None = None
    peer: PeerRequest | None = None
    throughput_mode: Literal["elastic", "bursting"] = "elastic"
    kms_key_arn: fields.KeyArn | None = None
    backup: bool = True
    transition_to_ia: TransitionToInfrequentAccess | None = "AFTER_30_DAYS"


class AccessPointRequest(_Part):
    """`permissions` are those of the directory where EFS has to make it; it belongs to uid and gid."""

    uid: fields.PosixId
    gid: fields.PosixId
    path: fields.RootDirectory
    permissions: fields.Permissions = "0755"


class VolumeRequest(_Part):
    """One of several volumes: a PersistentVolume of that name, and the claim that is bound to it."""

    name: fields.ObjectName
    claim: fields.ObjectName
    namespace: fields.NamespaceName = "default"
    capacity: fields.Capacity = "5Gi"
    access_mode: AccessMode = "ReadWriteMany"
    access_point: AccessPointRequest | None = None


class StorageRequest(_Part):
    """One volume, or `volumes`, which are then all there are; class and reclaim policy are every volume's."""

    namespace: fields.NamespaceName = "default"
    storage_class: fields.ObjectName = "efs-sc"
    persistent_volume: fields.ObjectName = "efs-pv"
    claim: fields.ObjectName = "efs-claim"
    capacity: fields.Capacity = "5Gi"
    access_mode: AccessMode = "ReadWriteMany"
    reclaim_policy: Literal["Retain", "Delete"] = "Retain"
    access_point: AccessPointRequest | None = None
    volumes: Annotated[list[VolumeRequest], Field(max_length=10, description="several volumes, at most 10")] = []


# What says of the one volume what each of several says of itself.
OF_THE_ONE_VOLUME: Final = ("namespace", "persistent_volume", "claim", "capacity", "access_mode", "access_point")


class VerificationRequest(_Part):
    """The bounds keep the evidence, about 600 bytes per writer, far below the 256 KiB of a state's payload."""

    image: fields.Image = "public.ecr.aws/docker/library/busybox:1.37"
    writers: fields.Writers = 3
    lines_per_writer: fields.LinesPerWriter = 20
    timeout_seconds: fields.VerificationSeconds = 900


class Request(_Part):
    account_id: fields.AccountId
    region: fields.Region
    organizational_unit_id: fields.OrganizationalUnitId | None = None
    mode: Literal["apply", "plan"] = "apply"
    cluster: ClusterRequest = ClusterRequest()
    network: Annotated[
        Annotated[CreatedNetwork, Tag("created")] | Annotated[ExistingNetwork, Tag("existing")],
        Discriminator(network_form),
    ] = CreatedNetwork()
    file_system: FileSystemRequest = FileSystemRequest()
    storage: StorageRequest = StorageRequest()
    verification: VerificationRequest = VerificationRequest()
    on_failure: Literal["keep", "roll_back"] = "keep"
    protect: Annotated[bool, Field(description="whether a removal is refused until a run has taken this back")] = False
    tags: Annotated[dict[fields.TagKey, fields.TagValue], Field(max_length=40)] = {}
    from_defaults: Annotated[
        dict[str, str],
        Field(description="filled in by the program: by field, where a value came from that was not asked for"),
    ] = {}

    @property
    def claim_key(self) -> str:
        """What there can be only one of: the key of the cluster's record and claim."""
        return f"{self.account_id}#{self.region}#{self.cluster.name}"

    @property
    def of_each_volume(self) -> "tuple[Request, ...]":
        """This request for each of its volumes: `storage` is then of that one, and the rest is the same.

        Whatever is made, compared, proven or removed for a volume is so from one of these, also where there is one.
        """
        volumes = self.storage.volumes
        return tuple(map(self._of_volume, volumes)) if volumes else (self,)

    def _of_volume(self, volume: VolumeRequest) -> "Request":
        said = {name: value for name, value in volume if name != "name"}
        storage = self.storage.model_copy(update={**said, "persistent_volume": volume.name, "volumes": []})
        return self.model_copy(update={"storage": storage})

    @property
    def lender(self) -> str | None:
        """The other account whose file system pods mount, never changed by us; None: the cluster's account has it."""
        peer = self.file_system.peer
        return peer.account_id if peer is not None and peer.account_id != self.account_id else None

    @property
    def digest(self) -> str:
        """The same for two requests that ask for the same, whichever unit's defaults made them so."""
        asked = self.model_dump_json(exclude={"organizational_unit_id", "from_defaults"})
        return hashlib.sha256(asked.encode()).hexdigest()

    @property
    def owner_tags(self) -> dict[str, str]:
        """The tags of everything that is created for this request."""
        return {OWNER_TAG: self.cluster.name, **self.tags}

    @property
    def warnings(self) -> list[str]:
        """What is allowed and yet worth a second look: constant words, for the log and the plan."""
        cluster = self.cluster
        is_open = cluster.endpoint_access != "private" and "0.0.0.0/0" in cluster.public_access_cidrs
        return ["cluster_endpoint_is_open_to_the_internet"] if is_open else []

    def idempotency_token(self, purpose: str) -> str:
        """64 characters, the same for the same cluster and purpose whatever else the request says."""
        return hashlib.sha256(f"{self.claim_key}#{purpose}".encode()).hexdigest()


def json_schema() -> dict[str, Any]:
    """JSON Schema of the input: as the model, but nothing is required, since the stack's account and region fill in."""
    schema = Request.model_json_schema()
    del schema["required"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
