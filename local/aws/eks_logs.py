"""The log group of a cluster's control plane: written while the cluster logs, kept for good by whoever made it.

Source: EKS guide, "Send control plane logs to CloudWatch Logs"; that a group deleted too early comes back, and that
last entries arrive when the cluster is gone: terraform-aws-eks#920, #2763, run-x/opta#708.
"""

from moto.logs.models import LogsBackend, logs_backends

from local.aws.eks_rules import enabled_logging
from local.aws.eks_state import Cluster, all_clusters
from local.aws.interfaces import Cloud

_delete_log_group = LogsBackend.delete_log_group


def install(cloud: Cloud) -> None:
    def delete_log_group(self: LogsBackend, log_group_name: str) -> None:
        _delete_log_group(self, log_group_name)
        for cluster in all_clusters():
            own = cluster.account_id, cluster.region, group_of(cluster)
            if own == (self.account_id, self.region_name, log_group_name):
                write(cloud, cluster)

    setattr(LogsBackend, "delete_log_group", delete_log_group)  # noqa: B010


def group_of(cluster: Cluster) -> str:
    return f"/aws/eks/{cluster.name}/cluster"


def write(cloud: Cloud, cluster: Cluster) -> None:
    """Soon entries arrive; a group that is there by then is used as it is."""
    groups = logs_backends[cluster.account_id][cluster.region]

    def arrive() -> None:
        if enabled_logging(cluster.logging) and not cluster.is_quiet and group_of(cluster) not in groups.groups:
            groups.create_log_group(group_of(cluster), {})

    cloud.clock.later("control plane logs", arrive)
