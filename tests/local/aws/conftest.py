"""One moto server with the strict EKS, EFS, EC2 and STS, a clock moved by hand, a Kubernetes API that only records."""

import datetime
import functools
import http.server
import ipaddress
import json
import ssl
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from moto.iam.models import iam_backends
from moto.server import ThreadedMotoServer

from local.aws import backup, ec2, efs, eks, iam
from local.aws.eks_state import Cluster
from local.aws.patches import cloudformation_iam
from local.clock import Clock
from local.kubernetes.interfaces import Authenticate, ControlPlane

ACCOUNT, REGION = "123456789012", "ap-northeast-1"
CLUSTER_POLICY = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"


class HandClock(Clock):
    """Nothing happens until the test says that time has passed."""

    def __init__(self) -> None:
        super().__init__(0)
        self.waiting: list[tuple[str, Callable[[], None]]] = []

    def later(self, what: str, action: Callable[[], None]) -> None:
        self.waiting.append((what, action))

    def pass_time(self, what: str | None = None) -> None:
        """Everything under way, or the named things only, comes to its end; and what that starts, too."""
        while due := [entry for entry in self.waiting if what is None or entry[0] == what]:
            for entry in due:
                self.waiting.remove(entry)
                entry[1]()


@dataclass
class RecordingControlPlane:
    url: str
    ca_pem: str
    admin_token: str
    server: http.server.ThreadingHTTPServer
    requests: list[tuple[str, str, dict[str, Any]]]
    objects: dict[str, dict[str, Any]]
    """By path, what was applied last; tests give it a status, as controllers do."""
    stopped: bool = False

    def stop(self) -> None:
        self.stopped = True
        self.server.shutdown()
        self.server.server_close()


@dataclass
class RecordingControlPlanes:
    name: str = "recording"
    started: dict[str, RecordingControlPlane] = field(default_factory=dict)
    authenticators: dict[str, Authenticate] = field(default_factory=dict)
    fail_with: Exception | None = None

    def start(self, cluster_name: str, authenticate: Authenticate, *, port: int | None = None) -> ControlPlane:
        if self.fail_with is not None:
            raise self.fail_with
        requests: list[tuple[str, str, dict[str, Any]]] = []
        objects: dict[str, dict[str, Any]] = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PATCH(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                requests.append((self.path, self.headers["Authorization"], body))
                path = self.path.partition("?")[0]
                generation = objects.get(path, body)["metadata"].get("generation", 0) + 1
                objects[path] = {**body, "metadata": {**body["metadata"], "generation": generation}}
                self.answer(201, {})

            def do_GET(self) -> None:
                self.answer(200 if self.path in objects else 404, objects.get(self.path, {}))

            def do_DELETE(self) -> None:
                requests.append((f"DELETE {self.path}", self.headers["Authorization"], {}))
                self.answer(200 if objects.pop(self.path.partition("?")[0], None) else 404, {})

            def answer(self, status: int, body: dict[str, Any]) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Silence."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", port or 0), Handler)
        server.socket = CERTIFICATE.context().wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"https://127.0.0.1:{server.server_port}"
        plane = RecordingControlPlane(url, CERTIFICATE.pem, "admin-token", server, requests, objects)
        self.started[cluster_name] = plane
        self.authenticators[cluster_name] = authenticate
        return plane


class SelfSigned:
    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=1))
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        certificate = builder.sign(key, hashes.SHA256())
        self.pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        self._key = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(self._key + self.pem)
            file.flush()
            context.load_cert_chain(file.name)
        return context


CERTIFICATE = SelfSigned()
SESSION: Any = boto3.Session()


@dataclass
class PartsOfACloud:
    """What the strict services need of the embedded cloud, and a client for each service."""

    directory: Path
    endpoint: str
    clock: HandClock = field(default_factory=HandClock)
    control_planes: RecordingControlPlanes = field(default_factory=RecordingControlPlanes)
    account_id: str = ACCOUNT
    region: str = REGION
    stopping: bool = False
    on_cluster_ready: list[Callable[[Cluster, ControlPlane], None]] = field(default_factory=list)
    on_profile_deleted: list[Callable[[Cluster, str], None]] = field(default_factory=list)
    on_cluster_deleted: list[Callable[[Cluster], None]] = field(default_factory=list)

    def client(self, service: str, credentials: dict[str, str] | None = None, *, region: str = REGION) -> Any:
        keys = credentials or {"AccessKeyId": "AKIAADMINISTRATOR000", "SecretAccessKey": "none"}
        return make_client(
            self.endpoint, region, service, keys["AccessKeyId"], keys["SecretAccessKey"], keys.get("SessionToken")
        )

    def role(self, name: str, service: str | None = None, **arguments: Any) -> str:
        """A role trusted by a service, or else by the account."""
        principal = {"Service": service} if service else {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        statement |= arguments.pop("statement", {})
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        created = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document, **arguments)
        if service == "eks.amazonaws.com":
            self.attach(CLUSTER_POLICY, name)
        return str(created["Role"]["Arn"])

    def attach(self, policy_arn: str, role_name: str) -> None:
        """A policy that AWS manages."""
        cloudformation_iam.load(iam_backends[ACCOUNT]["aws"], policy_arn)
        self.client("iam").attach_role_policy(PolicyArn=policy_arn, RoleName=role_name)


@functools.cache
def make_client(endpoint: str, region: str, service: str, key: str, secret: str, token: str | None) -> Any:
    """Clients are slow to make and keep nothing between tests."""
    return SESSION.client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )


@dataclass
class Network:
    vpc_id: str
    private_subnets: list[str]
    public_subnet: str


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # a thousand images per test that nobody asks for
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture
def parts(moto_endpoint: str, tmp_path: Path, answers_by_models: None) -> Iterator[PartsOfACloud]:
    reset = urllib.request.Request(f"{moto_endpoint}/moto-api/reset", method="POST")  # noqa: S310 - our own server
    urllib.request.urlopen(reset).close()  # noqa: S310
    cloud = PartsOfACloud(tmp_path, moto_endpoint)
    for service in (backup, ec2, efs, eks, iam):
        service.install(cloud)
    yield cloud
    for plane in list(cloud.control_planes.started.values()):  # another may be starting
        if not plane.stopped:
            plane.stop()


@pytest.fixture
def network(parts: PartsOfACloud) -> Network:
    ec2_client = parts.client("ec2")
    vpc_id = ec2_client.create_vpc(CidrBlock="192.168.0.0/16")["Vpc"]["VpcId"]
    ec2_client.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    subnets = [
        ec2_client.create_subnet(VpcId=vpc_id, CidrBlock=f"192.168.{i}.0/24", AvailabilityZone=f"{REGION}{zone}")
        for i, zone in enumerate("aca")
    ]
    ids = [subnet["Subnet"]["SubnetId"] for subnet in subnets]
    gateway = ec2_client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2_client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    table = ec2_client.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    ec2_client.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2_client.associate_route_table(RouteTableId=table, SubnetId=ids[2])
    return Network(vpc_id, ids[:2], ids[2])


@pytest.fixture
def cluster(parts: PartsOfACloud, network: Network) -> dict[str, Any]:
    """An ACTIVE cluster in authentication mode API."""
    eks_client = parts.client("eks")
    eks_client.create_cluster(
        name="demo",
        roleArn=parts.role("cluster", "eks.amazonaws.com"),
        resourcesVpcConfig={"subnetIds": network.private_subnets},
        accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        bootstrapSelfManagedAddons=False,
    )
    parts.clock.pass_time()
    described: dict[str, Any] = eks_client.describe_cluster(name="demo")["cluster"]
    assert described["status"] == "ACTIVE"
    return described
