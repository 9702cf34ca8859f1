"""Whether those who answer prove to be who they should be."""

import re
from typing import Final

from botocore.exceptions import BotoCoreError

from provisioner.aws.errors import connection_error
from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Finding
from provisioner.diagnosis.probes.account import READS
from provisioner.errors import BoundaryError, ErrorReason
from provisioner.kubernetes.errors import AccessNotYetEffective

_HOST: Final = re.compile(r"answers at (([\w-]+)[\w.-]*) is not trusted")
# The first part of a host's name, where it is not what the SDK calls the service.
_SERVICES: Final = {"elasticfilesystem": "efs"}


def cluster(live: Live, _text: str) -> Finding:
    """The certificate that the endpoint presents now, against the authority that DescribeCluster names."""
    name, described = live.request.cluster.name, live.eks.cluster
    looked_at = f"the certificate at the API endpoint of {name}, against its certificateAuthority"
    if described is None:
        return Finding.refuted(looked_at, "there is no such cluster")
    try:
        live.connection.api.get("Namespace", "default")
    except AccessNotYetEffective:
        pass  # whoever refuses a token was trusted with it
    except BoundaryError as error:
        if error.reason is not ErrorReason.UNTRUSTED_ENDPOINT:
            return Finding.possible(looked_at, error.subject)
        saw = f"{error.subject}; it presents {live.connection.api.presented_certificate()}"
        return Finding.proved(looked_at, saw, the_endpoint=described["endpoint"], the_cluster=name)
    return Finding.refuted(looked_at, "the authority vouches for it")


def aws(live: Live, text: str) -> Finding:
    """One read of the same service now."""
    named = _HOST.search(text)
    service = _SERVICES.get(named[2], named[2]) if named else "eks"
    read = next((each for each in READS if each.startswith(f"{service} ")), None)
    if read is None:
        return Finding.possible("what was refused", "it cannot be asked from here")
    looked_at = f"{read} asked once now"
    try:
        READS[read](live)
    except BotoCoreError as error:
        bounded = connection_error(error)
        refused = _HOST.search(bounded.subject)
        if refused is None:
            return Finding.possible(looked_at, bounded.subject)
        return Finding.proved(looked_at, bounded.subject, the_endpoint_of_AWS=refused[1])
    return Finding.refuted(looked_at, "what answers is trusted")
