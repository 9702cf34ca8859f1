"""What Fargate refuses of pods that a profile takes, in the words of fargate-scheduler.

Source: clowdhaus/eks-reference-architecture#12, awsdocs/amazon-eks-user-guide#262, aws/containers-roadmap#2034,
terraform-aws-modules/terraform-aws-eks#1758, eksctl-io/eksctl#2690.
"""

from moto.ec2.models.subnets import Subnet

# Whole regions of an account, and zones, in which Fargate runs no pods now.
BLOCKED: set[tuple[str, str]] = set()
EXHAUSTED: set[tuple[str, str]] = set()
FULL: set[tuple[str, str]] = set()
SLOW: set[tuple[str, str]] = set()
ZONES_WITHOUT_PODS: set[str] = set()


LIMIT_REACHED = "Your AWS account has reached the limit on the number of Fargate pods it can run concurrently"


def refusal(account_id: str, subnet: Subnet) -> str:
    """Empty when a pod may run there."""
    zone = str(subnet.availability_zone)
    where = (account_id, zone[:-1])
    if where in BLOCKED:
        return "Your AWS account is currently blocked and thus cannot launch any Fargate pods"
    if where in FULL:
        return LIMIT_REACHED
    if where in EXHAUSTED:
        return (
            "Fargate capacity is unavailable at this time. Please try again later or in a different availability zone"
        )
    if where in SLOW:
        return "Unable to launch pod at this time (will retry)"
    if zone in ZONES_WITHOUT_PODS:
        return f"Fargate is not supported in the requested availability zone: {zone}"
    return ""
