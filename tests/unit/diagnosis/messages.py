"""What is said in each case, word for word, and the rules that recognise it: these and no other.

Sources: the issues named in docs/assumptions.md and aws-efs-csi-driver #262, #576, #1052, #1353, #1947,
efs-utils #90, #287; containerd and registries; this application's own errors.
"""

from typing import Final

from provisioner.diagnosis.model import Failure, Signal

MOUNT = 'MountVolume.SetUp failed for volume "efs-pv" : '
COMMAND = (
    'Could not mount "fs-0123456789abcdef0:/" at "/var/lib": mount failed: exit status 32\nMounting command: mount\n'
    "Mounting arguments: -t efs -o tls fs-0123456789abcdef0:/ /var/lib\nOutput: "
)
WATCHDOG = 'Could not start amazon-efs-mount-watchdog, unrecognized init system "supervisord"\n'
RESOLVE = 'Failed to resolve "fs-0123456789abcdef0.efs.ap-northeast-1.amazonaws.com"'
UNREACHABLE = {
    "security-group-closed",
    "pod-egress-closed",
    "network-acl-closed",
    "mount-target-unroutable",
    "peer-not-joined",
    "peer-route-back-missing",
    "wrong-mount-target-address",
}
NO_ADDRESS = {"mount-target-missing", "dns-attributes-off", "wrong-file-system", "dns-resolver-of-its-own"}
DENIED = {"file-system-policy-denies-mount", "access-point-missing", "access-point-directory-missing"}
IMAGE = "public.ecr.aws/docker/library/busybox:9.99"
PULL = f'Failed to pull image "{IMAGE}": '


ECR_HOST = "999988887777.dkr.ecr.ap-northeast-1.amazonaws.com"
ECR = f"{ECR_HOST}/mirror/busybox:1.37"
OVER_QUOTA = 'pods "p" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
WEBHOOK_DOWN = (
    'Internal error occurred: failed calling webhook "validate.policy.example.com": failed to call webhook: Post '
    '"https://policy.policy.svc:443/validate": service "policy" not found'
)


def mount(message: str) -> Signal:
    return Signal(f"{MOUNT}rpc error: code = Internal desc = {message}", frozenset({"FailedMount"}), "kubelet")


def scheduling(message: str, component: str = "fargate-scheduler") -> Signal:
    return Signal(message, frozenset({"FailedScheduling"}), component)


def pull(message: str) -> Signal:
    return Signal(f"{PULL}rpc error: code = Unknown desc = {message}", frozenset({"Failed"}), "kubelet")


SIGNALS: Final[dict[str, tuple[Signal, set[str]]]] = {
    "impaired": (
        Signal(
            "cluster eks-example is ACTIVE: KmsKeyDisabled: The key is disabled. (arn:aws:kms:::key/1)",
            frozenset({"ACTIVE", "KmsKeyDisabled"}),
            "cluster",
        ),
        {"cluster-impaired"},
    ),
    "nodes refused": (
        scheduling(
            "Misconfigured Fargate Profile: fargate profile provisioner blocked for new launches due to: Pod execution "
            "role is not found in auth config or does not have all required permissions for launching fargate pods."
        ),
        {"pod-execution-role-unknown"},
    ),
    "by address": (
        mount(
            COMMAND + "Cannot connect to file system mount target ip address 10.7.16.4. \nConnection to the mount "
            "target IP address 10.7.16.4 timeout. Please retry in 5 minutes if the mount target is newly created. "
            "Otherwise check your VPC and security group configuration to ensure your file system is reachable via TCP "
            "port 2049 from your instance."
        ),
        UNREACHABLE,
    ),
    "timed out": (mount(f"{COMMAND}{WATCHDOG}b'mount.nfs4: Connection timed out'"), UNREACHABLE),
    "deadline": (
        Signal(
            f"{MOUNT}rpc error: code = DeadlineExceeded desc = context deadline exceeded", frozenset({"FailedMount"})
        ),
        UNREACHABLE,
    ),
    "reset": (
        mount(f"{COMMAND}{WATCHDOG}b'mount.nfs4: Connection reset by peer'"),
        UNREACHABLE | {"mount-target-not-ready"},
    ),
    "watchdog alone": (mount(COMMAND + WATCHDOG), UNREACHABLE | {"mount-target-not-ready"}),
    "unresolved": (
        mount(
            f"{COMMAND}{RESOLVE} - check that your file system ID is correct, and ensure that the VPC has an EFS "
            "mount target for this file system ID.\nSee https://docs.aws.amazon.com/console/efs/mount-dns-name"
        ),
        NO_ADDRESS,
    ),
    "no target in the zone": (
        mount(
            f"{COMMAND}{RESOLVE}. The file system mount target ip address cannot be found, please pass mount target "
            "ip address via mount options. \nNo matching mount target in the az ap-northeast-1a. Please create one "
            "mount target in ap-northeast-1a, or try the mount target in another AZ"
        ),
        {"mount-target-missing"},
    ),
    "no target at all": (
        mount("Cannot find mount target for fs-0123456789abcdef0, please create one mount target"),
        {"mount-target-missing"},
    ),
    "target not yet there": (
        mount(
            f"{COMMAND}{RESOLVE}. The file system mount target ip address cannot be found. \nNo mount target created "
            "for the file system fs-0123456789abcdef0 is in available state yet, please retry in 5 minutes."
        ),
        {"mount-target-not-ready"},
    ),
    "target creating": (
        mount(f"{COMMAND}{RESOLVE}. \nMount target in the az ap-northeast-1a is creating, please retry in 5 minutes"),
        {"mount-target-not-ready"},
    ),
    "denied": (mount(f"{COMMAND}b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'"), DENIED),
    "denied after the watchdog": (
        mount(f"{COMMAND}{WATCHDOG}b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'"),
        DENIED,
    ),
    "no directory": (
        mount(
            f"{COMMAND}b'mount.nfs4: mounting 127.0.0.1:/team failed, reason given by server: No such file or "
            "directory'"
        ),
        {"access-point-missing", "access-point-directory-missing"},
    ),
    "driver missing": (
        Signal(
            f"{MOUNT}kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name efs.csi.aws.com not "
            "found in the list of registered CSI drivers",
            frozenset({"FailedMount"}),
            "kubelet",
        ),
        {"csi-driver-missing"},
    ),
    "attacher": (
        Signal(
            'AttachVolume.Attach failed for volume "efs-pv" : timed out waiting for external-attacher of '
            "efs.csi.aws.com CSI driver to attach volume fs-0123456789abcdef0",
            frozenset({"FailedAttachVolume"}),
            "attachdetach-controller",
        ),
        {"csi-driver-requires-attacher"},
    ),
    "handle": (
        mount("volume ID 'efs:fs-0123456789abcdef0' is invalid: Expected a file system ID of the form 'fs-...'"),
        {"volume-handle-form"},
    ),
    "no nodes": (scheduling("no nodes available to schedule pods", "default-scheduler"), {"no-matching-profile"}),
    "tainted nodes": (
        scheduling(
            "0/2 nodes are available: 2 node(s) had untolerated taint {eks.amazonaws.com/compute-type: fargate}.",
            "default-scheduler",
        ),
        {"no-matching-profile"},
    ),
    "held": (
        Signal("Pod one is Pending with schedulerName default-scheduler", frozenset({"HeldByDefaultScheduler"})),
        {"no-matching-profile"},
    ),
    "not supported": (
        scheduling("Pod not supported on Fargate: fields not supported: HostNetwork, port contains HostIP or HostPort"),
        {"pod-not-supported"},
    ),
    "claim not bound": (
        scheduling(
            "Pod not supported on Fargate: volumes not supported: storage not supported because: PVC efs-claim "
            "not bound"
        ),
        {"claim-not-bound"},
    ),
    "claim not found": (
        scheduling(
            "Pod not supported on Fargate: volumes not supported: storage not supported because: PVC efs-claim "
            "not found"
        ),
        {"claim-not-bound"},
    ),
    "no address": (scheduling("insufficient free addresses in subnet"), {"subnet-full"}),
    "image not found": (
        pull(f'failed to resolve reference "{IMAGE}": {IMAGE}: not found'),
        {"image-not-found"},
    ),
    "registry out of reach": (
        pull('failed to do request: Head "https://public.ecr.aws/v2/": dial tcp 99.83.145.10:443: i/o timeout'),
        {"image-unreachable"},
    ),
    "rate limit": (
        pull("toomanyrequests: You have reached your pull rate limit."),
        {"image-rate-limited"},
    ),
    "pull without detail": (
        Signal("Error: ErrImagePull", frozenset({"Failed"}), "kubelet"),
        {
            *("image-unreachable", "image-not-found", "image-rate-limited", "image-platform", "image-refused"),
            "image-without-token",
        },
    ),
    "asked as nobody": (
        pull(
            f'failed to pull and unpack image "{ECR}": failed to resolve reference "{ECR}": pull access denied, '
            "repository does not exist or may require authorization: authorization failed: no basic auth credentials"
        ),
        {"image-without-token"},
    ),
    "no such platform": (
        Signal(
            f'{PULL}rpc error: code = NotFound desc = failed to pull and unpack image "{IMAGE}": no match for platform '
            "in manifest: not found",
            frozenset({"Failed"}),
            "kubelet",
        ),
        {"image-platform"},
    ),
    "no program": (
        Signal(
            "Error: failed to create containerd task: OCI runtime create failed: unable to start container process: "
            'exec: "sh": executable file not found in $PATH: unknown',
            frozenset({"Failed"}),
            "kubelet",
        ),
        {"image-without-shell"},
    ),
    "registry refuses": (
        pull(
            f'failed to pull and unpack image "{ECR}": failed to resolve reference "{ECR}": unexpected status from '
            f"HEAD request to https://{ECR_HOST}/v2/mirror/busybox/manifests/1.37: 403 Forbidden"
        ),
        {"image-refused"},
    ),
    "layer bucket refuses": (
        pull(
            f'failed to pull and unpack image "{ECR}": failed to copy: httpReadSeeker: failed open: unexpected '
            "status code https://prod-ap-northeast-1-starport-layer-bucket.s3.ap-northeast-1.amazonaws.com/a"
            "?X-Amz-Signature=0123: 403 Forbidden"
        ),
        {"image-refused"},
    ),
    "account blocked": (
        scheduling("Your AWS account is currently blocked and thus cannot launch any Fargate pods"),
        {"fargate-account-blocked"},
    ),
    "zone without pods": (
        scheduling("Fargate is not supported in the requested availability zone: ap-northeast-1c"),
        {"fargate-zone-unsupported"},
    ),
    "no capacity": (scheduling("Fargate capacity is unavailable at this time."), {"fargate-capacity"}),
    "too many pods": (
        scheduling("Your AWS account has reached the limit on the number of Fargate pods it can run concurrently"),
        {"fargate-pods-quota"},
    ),
    "a text of Fargate's that nobody knows": (
        scheduling("Unable to launch pod at this time (will retry): default/verification-1-appender"),
        set(),
    ),
    "a node that does not join": (
        scheduling("Pod provisioning timed out (will retry) for pod: default/verification-1-appender"),
        {"nodes-not-joining"},
    ),
    "logging": (
        Signal(
            'Disabled logging because aws-logging configmap was not found. configmap "aws-logging" not found',
            frozenset({"LoggingDisabled"}),
            "fargate-scheduler",
        ),
        set(),
    ),
    "writers over the quota": (
        Signal(f"Error creating: {OVER_QUOTA}", frozenset({"FailedCreate"}), "replicaset-controller"),
        {"namespace-quota"},
    ),
    "writers behind a webhook": (
        Signal(f"Error creating: {WEBHOOK_DOWN}", frozenset({"FailedCreate"}), "replicaset-controller"),
        {"webhook-unreachable"},
    ),
    "add-on degraded": (
        Signal(
            "add-on coredns is DEGRADED: InsufficientNumberOfReplicas: The add-on is unhealthy",
            frozenset({"DEGRADED", "InsufficientNumberOfReplicas"}),
            "add-on",
        ),
        {"addon-degraded"},
    ),
    "add-on failed": (
        Signal("add-on coredns is CREATE_FAILED: no health issue", frozenset({"CREATE_FAILED"}), "add-on"),
        {"addon-failed"},
    ),
    "profile failed": (
        Signal(
            "Fargate profile provisioner is CREATE_FAILED: AccessDenied: no",
            frozenset({"CREATE_FAILED", "AccessDenied"}),
            "Fargate profile",
        ),
        {"fargate-profile-failed"},
    ),
    "cluster failed": (
        Signal("cluster eks-example is FAILED: InternalFailure: no", frozenset({"FAILED"}), "cluster"),
        {"cluster-failed"},
    ),
}

APPLY, VERIFY, BUILD = "Apply storage", "Verify storage", "Ensure mount targets"


def refused(message: str) -> str:
    return f"AdmissionRefused: apply Pod p: HTTP 403 Forbidden ({message}); give the object what the refusal names"


def failed(state: str, cause: str, error: str = "TerminalError") -> Failure:
    return Failure(state=state, error=error, cause=cause)


FAILURES: Final[dict[str, tuple[Failure, set[str]]]] = {
    "role": (
        failed(
            "Ensure network",
            "RoleNotAssumable: arn:aws:iam::1:role/eks-efs-provisioner-provisioner; deploy it",
            "RetryableError",
        ),
        {"role-not-assumable"},
    ),
    "young role": (
        failed(
            "Ensure cluster",
            "NotYetConsistent: CreateCluster: InvalidParameterException (Role with arn: arn:aws:iam::1:role/c, could "
            "not be assumed because it does not exist or the trusted entity is not correct); by what IAM says, it is",
            "UnsettledError",
        ),
        {"service-role-unusable"},
    ),
    "role of another service": (
        failed(
            "Ensure Fargate profile",
            "UnsuitableAccount: CreateFargateProfile: InvalidParameterException (Misconfigured PodExecutionRole Trust "
            "Policy; Please add the eks-fargate-pods.amazonaws.com Service Principal); role arn:aws:iam::1:role/p does",
        ),
        {"service-role-unusable"},
    ),
    "cluster's role without its policy": (
        failed(
            "Ensure cluster",
            "UnsuitableAccount: CreateCluster: InvalidParameterException (The provided role doesn't have the Amazon "
            "EKS Managed Policies associated with it.); role arn:aws:iam::1:role/c does not have arn:aws:iam::aws",
        ),
        {"service-role-unusable"},
    ),
    "key of another account": (
        failed(
            "Ensure cluster",
            "Rejected: CreateCluster: InvalidRequestException (User not authorized to perform kms:CreateGrant "
            "operation); correct what AWS names",
        ),
        {"key-denied"},
    ),
    "disabled key": (
        failed(
            "Ensure file system",
            "Rejected: CreateFileSystem: BadRequest (arn:aws:kms:eu-west-1:1:key/k is disabled.); correct what AWS",
        ),
        {"key-denied"},
    ),
    "key pending deletion": (
        failed(
            "Ensure cluster",
            "Rejected: CreateCluster: InvalidParameterException (The KeyArn in encryptionConfig provider is not valid: "
            "arn:aws:kms:eu-west-1:1:key/k is pending deletion.); correct what AWS names",
        ),
        {"key-denied"},
    ),
    "unknown principal": (
        failed(
            "Ensure cluster access",
            "NotYetConsistent: CreateAccessEntry: InvalidParameterException (The specified principalArn is invalid: "
            "invalid principal.); the principal is arn:aws:iam::1:role/x; the same call",
            "UnsettledError",
        ),
        {"account-unsuitable"},
    ),
    "principal that is not there": (
        failed(
            "Check account",
            "UnsuitableAccount: cluster.admin_principal_arns has arn:aws:iam::1:role/x, which does not exist (make it)",
        ),
        {"account-unsuitable"},
    ),
    "throttled": (
        failed(
            "Ensure cluster",
            "Throttled: CreateCluster: ThrottlingException (Rate exceeded); the same call",
            "RetryableError",
        ),
        {"throttled"},
    ),
    "denied": (
        failed("Ensure network", "AccessDenied: CreateStack: AccessDenied (not authorized); allow the role this call"),
        {"access-denied"},
    ),
    "organization": (
        failed(
            "Ensure cluster",
            "AccessDenied: CreateCluster: AccessDeniedException (User: arn:aws:sts::1:assumed-role/r/s is not "
            "authorized to perform: eks:CreateCluster on resource: arn:aws:eks:ap-northeast-1:1:cluster/c with an "
            "explicit deny in a service control policy: arn:aws:organizations::2:policy/o-1/service_control_policy/p-1"
            "); let the policy that AWS names allow the role this call",
        ),
        {"denied-by-policy"},
    ),
    "boundary": (
        failed(
            "Ensure cluster",
            "AccessDenied: CreateCluster: AccessDeniedException (User: arn:aws:sts::1:assumed-role/r/s is not "
            "authorized to perform: eks:CreateCluster on resource: arn:aws:eks:ap-northeast-1:1:cluster/c because no "
            "permissions boundary allows the eks:CreateCluster action); let the policy",
        ),
        {"denied-by-policy"},
    ),
    "older pods": (
        failed(
            "Ensure cluster",
            "NotUpgradable: UpdateClusterVersion: InvalidRequestException (Kubelet version of Fargate pods must be "
            "updated to match cluster version 1.35 before updating cluster version; Please recycle all offending pod "
            "replicas); make what still runs an older version than 1.35 anew, then start again",
            "UnsettledError",
        ),
        {"upgrade-held-by-pods", "upgrade-not-ready"},
    ),
    "tag policy": (
        failed(
            "Ensure security group",
            "Rejected: CreateSecurityGroup: TagPolicyViolation (The tag policy does not allow the specified value for "
            "the following tag key: 'cost-center'.); correct what AWS names, then start again",
        ),
        {"tag-not-allowed"},
    ),
    "own policy lacks": (
        failed(
            "Ensure cluster",
            "AccessDenied: CreateCluster: AccessDeniedException (User: arn:aws:sts::1:assumed-role/r/s is not "
            "authorized to perform: eks:CreateCluster on resource: arn:aws:eks:ap-northeast-1:1:cluster/c because no "
            "identity-based policy allows the eks:CreateCluster action); let the policy",
        ),
        {"access-denied"},
    ),
    "cluster quota": (
        failed(
            "Ensure cluster", "QuotaExceeded: CreateCluster: ResourceLimitExceededException (limit); raise the quota"
        ),
        {"quota-reached"},
    ),
    "subnet full": (
        failed(BUILD, "QuotaExceeded: CreateMountTarget: NoFreeAddressesInSubnet (none left); raise the quota"),
        {"subnet-full"},
    ),
    "upgrade not ready": (
        failed(
            "Check account", "NotUpgradable: cluster eks-example is not ready for 1.34: Cluster health issues: x (y); z"
        ),
        {"upgrade-not-ready"},
    ),
    "upgrade failed": (
        failed(
            "Ensure cluster",
            "Unusable: the upgrade of cluster eks-example from 1.33 to 1.34 is Failed: Unknown: no; remove the cause",
        ),
        {"upgrade-failed"},
    ),
    "upgrade without addresses": (
        failed(
            "Ensure cluster",
            "Unusable: the upgrade of cluster eks-example from 1.33 to 1.34 is Failed: IpNotAvailable: no; remove it",
        ),
        {"subnet-full"},
    ),
    "cluster failed": (
        failed("Ensure cluster", "Unusable: cluster eks-example is FAILED: InternalFailure: no; remove the cause"),
        {"cluster-failed"},
    ),
    "profile failed": (
        failed("Ensure Fargate profile", "Unusable: Fargate profile provisioner is CREATE_FAILED: AccessDenied: no; x"),
        {"fargate-profile-failed"},
    ),
    "zone without Fargate": (
        failed(
            "Ensure Fargate profile",
            "Unusable: Fargate profile provisioner is CREATE_FAILED: Unknown: Fargate "
            "Profile creation for the Availability Zone ap-northeast-1d is not supported; remove the cause",
        ),
        {"zone-without-fargate", "fargate-profile-failed"},
    ),
    "zone refused": (
        failed(
            "Ensure Fargate profile",
            "Rejected: CreateFargateProfile: InvalidParameterException (Fargate Profile creation for the Availability "
            "Zone ap-northeast-1d is not supported); correct what AWS names, then start again",
        ),
        {"zone-without-fargate"},
    ),
    "mount target error": (
        failed(BUILD, "Unusable: fsmt-0123456789abcdef0 in subnet-1 is in the state error; remove it"),
        {"mount-target-failed"},
    ),
    "file system error": (
        failed("Ensure file system", "Unusable: fs-0123456789abcdef0 is in the state error; ask AWS Support"),
        {"file-system-failed"},
    ),
    "stack": (
        failed(
            "Ensure network",
            "Unusable: stack eks-efs-provisioner-eks-example-network is ROLLBACK_COMPLETE: Vpc "
            "CREATE_FAILED: no; remove the cause",
        ),
        {"network-stack-failed"},
    ),
    "network": (
        failed("Ensure network", "UnsuitableNetwork: vpc-1 has enableDnsSupport off; correct the VPC"),
        {"network-unsuitable"},
    ),
    "owned": (
        failed("Ensure cluster", "OwnedByAnother: cluster eks-example exists and its tag x is None; choose another"),
        {"owned-by-another"},
    ),
    "attacher": (
        failed(APPLY, "Unusable: CSIDriver efs.csi.aws.com requires an attacher, which Fargate does not have; run"),
        {"csi-driver-requires-attacher"},
    ),
    "handle": (
        failed(APPLY, "Immutable: PersistentVolume efs-pv is the file system efs:fs-1, not fs-1; ask for another"),
        {"volume-handle-form"},
    ),
    "volume bound elsewhere": (
        failed(APPLY, "Conflict: PersistentVolume efs-pv is bound to the claim other/claim; delete that claim"),
        {"claim-not-bound"},
    ),
    "claim lost": (
        failed(APPLY, "Unusable: PersistentVolumeClaim efs-claim is Lost: its PersistentVolume was removed; delete"),
        {"claim-not-bound"},
    ),
    "claim differs": (
        failed(
            APPLY,
            "Immutable: PersistentVolumeClaim efs-claim: spec.storageClassName is gp3, not efs-sc; ask for another",
        ),
        {"claim-not-bound"},
    ),
    "claim waits": (
        failed(APPLY, "TimedOut: WaitingForClaimToBind after waiting 900 s; start the execution again", "TimedOut"),
        {"claim-not-bound"},
    ),
    "not let in": (
        failed(APPLY, "TimedOut: AccessNotYetEffective after waiting 900 s; start the execution again", "TimedOut"),
        {"access-entry-missing"},
    ),
    "not let in while verifying": (
        failed(
            VERIFY, "VerificationFailed: still AccessNotYetEffective after 900 s: get Pod one: HTTP 403 Forbidden; see"
        ),
        {"access-entry-missing"},
    ),
    "no endpoint": (
        failed(
            APPLY,
            "ServiceUnavailable: the cluster's API could not be reached: timed out; the same call is made",
            "UnsettledError",
        ),
        {"cluster-endpoint-unreachable"},
    ),
    "untrusted cluster": (
        failed(
            APPLY,
            "UntrustedEndpoint: what answers at the cluster's API endpoint is not trusted: unable to get local issuer "
            "certificate; see whether a proxy or firewall",
        ),
        {"cluster-endpoint-untrusted"},
    ),
    "untrusted AWS": (
        failed(
            "Ensure network",
            "UntrustedEndpoint: what answers at ec2.ap-northeast-1.amazonaws.com is not trusted: self-signed "
            "certificate in certificate chain; see whether a proxy or firewall",
        ),
        {"aws-endpoint-untrusted"},
    ),
    "quota": (failed(VERIFY, refused(OVER_QUOTA)), {"namespace-quota"}),
    "quota of claims": (
        failed(APPLY, refused('persistentvolumeclaims "efs-claim" is forbidden: exceeded quota: q, requested: x=1')),
        {"namespace-quota"},
    ),
    "limit range": (
        failed(
            VERIFY, refused('pods "p" is forbidden: minimum memory usage per Container is 1Gi, but request is 256Mi')
        ),
        {"namespace-limits"},
    ),
    "level": (
        failed(
            VERIFY,
            refused('pods "p" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true (pod or)'),
        ),
        {"pod-security-level"},
    ),
    "webhook's no": (
        failed(VERIFY, refused('admission webhook "validation.gatekeeper.sh" denied the request: no owner')),
        {"admission-denied"},
    ),
    "policy's no": (
        failed(
            VERIFY,
            refused("pods \"p\" is forbidden: ValidatingAdmissionPolicy 'a' with binding 'b' denied request: failed"),
        ),
        {"admission-denied"},
    ),
    "webhook down": (
        failed(
            VERIFY,
            f"ServiceUnavailable: apply Pod p: HTTP 500 InternalError ({WEBHOOK_DOWN}); the same call is made again",
            "UnsettledError",
        ),
        {"webhook-unreachable"},
    ),
    "nodes out of reach": (
        failed(
            VERIFY,
            'ServiceUnavailable: logs of Pod p: HTTP 500 (Get "https://10.0.1.7:10250/containerLogs/default/p/c": dial '
            "tcp 10.0.1.7:10250: i/o timeout); the same call is made again",
            "UnsettledError",
        ),
        {"nodes-unreachable"},
    ),
    "zone without a control plane": (
        failed(
            "Ensure cluster",
            "UnsuitableNetwork: CreateCluster: UnsupportedAvailabilityZoneException (Cannot create cluster "
            "'eks-example' because ap-northeast-1c, the targeted availability zone, does not currently have "
            "sufficient capacity to support the cluster. Retry and choose from these availability zones: "
            "ap-northeast-1a); use subnets in",
        ),
        {"zone-without-eks"},
    ),
    "another platform": (
        failed(
            VERIFY, "VerificationFailed: Pod verification-1-appender failed: exec /bin/sh: exec format error; correct"
        ),
        {"image-platform"},
    ),
    "not apart": (
        failed(
            VERIFY,
            "VerificationFailed: volume efs-blue is not apart from volume efs-red: Pod verification-1-2-neighbour "
            "mounts efs-blue and could read what efs-red holds, at /data/red/.verification/1-1/out.txt; do not use it",
        ),
        {"volume-shows-another-directory"},
    ),
    "no shell": (
        failed(
            VERIFY,
            "VerificationFailed: Pod verification-1-appender failed: failed to create containerd task: failed to "
            "create shim task: OCI runtime create failed: runc create failed: unable to start container process: "
            'exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown; correct the cause it names',
        ),
        {"image-without-shell"},
    ),
    "permission denied": (
        failed(
            VERIFY,
            "VerificationFailed: Pod verification-1-appender failed: sh: can't create /data/x: Permission "
            "denied; correct the cause it names",
        ),
        {"file-system-policy-denies-write", "access-point-user"},
    ),
    "read-only": (
        failed(VERIFY, "VerificationFailed: Pod verification-1-appender failed: mkdir: Read-only file system; correct"),
        {"file-system-policy-denies-write"},
    ),
    "degraded": (
        failed("Ensure cluster DNS", "Unusable: add-on coredns is DEGRADED: InsufficientNumberOfReplicas: no; check"),
        {"addon-degraded"},
    ),
    "add-on failed": (
        failed("Ensure cluster DNS", "Unusable: add-on coredns is CREATE_FAILED: ConfigurationConflict: no; remove"),
        {"addon-failed"},
    ),
    "pods' warnings": (
        failed(
            VERIFY,
            "VerificationFailed: still WritersStarting after 900 s: "
            + "; ".join(
                f"Pod verification-1-writer-{name} is Pending ({said})"
                for name, said in {
                    "a": f"FailedMount: {SIGNALS['driver missing'][0].text}",
                    "b": f"FailedMount: {SIGNALS['timed out'][0].text}; FailedMount: {SIGNALS['denied'][0].text}",
                    "c": "FailedScheduling: no nodes available to schedule pods",
                }.items()
            )
            + "; also verification-1-writer-d; see the pods' events above, correct their cause, then start again",
        ),
        {"csi-driver-missing", "no-matching-profile", *UNREACHABLE, *DENIED},
    ),
}
