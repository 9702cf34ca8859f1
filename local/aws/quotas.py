"""What an account may have of a thing, as Service Quotas tells it and the embedded services enforce it.

An account in use has had its quotas for VPCs and addresses raised, from AWS's 5 each. What nothing here refuses (NAT
gateways, Fargate's vCPUs, concurrent executions) is not listed. Source: EKS, EFS and VPC user guides, "quotas".
"""

from local.aws import ec2_limits, efs_rules, eks_clusters, eks_profiles, eks_rules


def quotas(service: str, account_id: str, region: str) -> dict[str, int]:
    """Name -> value, of a service as Service Quotas calls it."""
    clusters = eks_clusters.CLUSTER_QUOTAS.get((account_id, region), eks_clusters.DEFAULT_CLUSTER_QUOTA)
    known = {
        "eks": {
            "Clusters": clusters,
            "Fargate profiles per cluster": eks_profiles.MAX_PROFILES,
            "Public endpoint access CIDR ranges per cluster": eks_rules.MAX_PUBLIC_ACCESS_CIDRS,
        },
        "elasticfilesystem": {"File systems per account": efs_rules.MAX_FILE_SYSTEMS},
        "vpc": {"VPCs per Region": ec2_limits.MAX_VPCS},
        "ec2": {"EC2-VPC Elastic IPs": ec2_limits.MAX_ADDRESSES},
    }
    return known.get(service, {})
