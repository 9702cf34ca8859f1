"""The "registry": busybox under the names people use for it and with its builds for one platform each, CoreDNS, and
Kubernetes' pause, in which there is nothing but itself.
"""

import re

from local.kubernetes.objects import Object

_REPOSITORIES = {
    "public.ecr.aws/docker/library/busybox",
    "docker.io/library/busybox",
    "index.docker.io/library/busybox",
}
_MIRROR = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/mirror/busybox")
"""Every account has copied it into its own registry."""
_COREDNS = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/eks/coredns")
"""EKS's own, which every account may pull: the program takes the place of a server that nobody here asks."""
_COREDNS_TAG = re.compile(r"v\d+\.\d+\.\d+-eksbuild\.\d+")
_PAUSE = re.compile(r"registry\.k8s\.io/pause")
_PAUSE_TAG = re.compile(r"3\.\d{1,2}(\.\d{1,2})?")
_ENTRY_POINT = ("sh", "-c", "trap exit TERM; sleep 2147483647 & wait", "server")
_ONE_PLATFORM = re.compile(r"docker\.io/(?P<platform>amd64|arm32v7|arm64v8|i386|ppc64le|s390x)/busybox")
"""Docker Hub's official images are also there by platform; Fargate on EKS is linux/amd64."""
_LONGEST_NAME = 255
_TAG = re.compile(r"(latest|stable|unstable|1|1\.\d{1,2}(\.\d{1,2})?)(-(musl|glibc|uclibc))?")


def reference(image: str) -> str:
    """The full name containerd resolves: docker.io/library/busybox:latest for busybox."""
    name, at, digest = image.partition("@")
    first, slash, _ = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif not ("." in first or ":" in first or first == "localhost"):
        name = f"docker.io/{name}"
    if not at and ":" not in name.rpartition("/")[2]:
        name += ":latest"
    return name + at + digest


def invalid(image: str) -> str | None:
    """The kubelet's words for what no reference to an image can be. Source: distribution/reference, ErrNameTooLong;
    kubernetes, pkg/kubelet/images/image_manager.go."""
    name = reference(image).partition("@")[0]
    repository = name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
    if len(repository) <= _LONGEST_NAME:
        return None
    why = f"repository name must not be more than {_LONGEST_NAME} characters"
    return f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": {why}'


def exists(image: str, digest: str) -> bool:
    name, _, wanted_digest = reference(image).partition("@")
    repository, _, tag = name.partition(":")
    if is_coredns(repository):
        return not wanted_digest and _COREDNS_TAG.fullmatch(tag) is not None
    tag_exists = not tag or _TAG.fullmatch(tag) is not None
    if _PAUSE.fullmatch(repository):
        return not wanted_digest and _PAUSE_TAG.fullmatch(tag) is not None
    known = repository in _REPOSITORIES or bool(_MIRROR.fullmatch(repository) or _ONE_PLATFORM.fullmatch(repository))
    return known and tag_exists and wanted_digest in ("", f"sha256:{digest}")


def is_coredns(repository: str) -> bool:
    return _COREDNS.fullmatch(repository) is not None


def entry_point(image: str) -> tuple[str, ...]:
    """What the image starts, before any arguments; busybox has none."""
    repository = reference(image).partition(":")[0]
    return _ENTRY_POINT if is_coredns(repository) or _PAUSE.fullmatch(repository) else ()


def start_error(image: str, command: list[str]) -> str | None:
    """containerd's words for a command that the image does not have. Source: sky-shift/skyshift#18."""
    if not command or not _PAUSE.fullmatch(reference(image).partition(":")[0]):
        return None
    return (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
        f'unable to start container process: exec: "{command[0]}": stat {command[0]}: no such file or directory: '
        "unknown"
    )


def runs_here(image: str) -> bool:
    """Whether the image has a build for linux/amd64."""
    match = _ONE_PLATFORM.fullmatch(reference(image).partition("@")[0].partition(":")[0])
    return match is None or match["platform"] == "amd64"


def image_id(image: str, digest: str) -> str:
    return f"{reference(image).partition('@')[0].partition(':')[0]}@sha256:{digest}"


def registry_and_path(image: str) -> tuple[str, str]:
    """docker.io and library/busybox:latest."""
    registry, _, path = reference(image).partition("/")
    return registry, path


def pull_error(image: str, why: str | None = None) -> str:
    """containerd's words for a name the registry does not have, or for `why` else it did not get the image."""
    full = reference(image)
    failed = f'failed to pull and unpack image "{full}": '
    if not runs_here(image):
        return f"rpc error: code = NotFound desc = {failed}no match for platform in manifest: not found"
    if why is not None:
        return f"rpc error: code = Unknown desc = {failed}{why}"
    return f'rpc error: code = NotFound desc = {failed}failed to resolve reference "{full}": {full}: not found'


def needs_pull(container: Object) -> bool:
    """Every Fargate node is new: nothing is on it yet, whatever the pull policy says."""
    return container.get("imagePullPolicy") != "Never"
