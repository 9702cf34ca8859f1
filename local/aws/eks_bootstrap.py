"""What EKS itself puts into a new cluster, through its API.

The CSIDriver of EFS is there from the start, which is why Fargate pods mount EFS with no add-on installed
(eksctl#7518, aws-efs-csi-driver#1494); gp2 is the StorageClass every cluster comes with.
"""

from local.aws import eks_objects
from local.kubernetes.interfaces import ControlPlane

EFS_DRIVER = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "CSIDriver",
    "metadata": {"name": "efs.csi.aws.com"},
    "spec": {"attachRequired": False, "volumeLifecycleModes": ["Persistent"]},
}
GP2 = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "gp2"},
    "provisioner": "kubernetes.io/aws-ebs",
    "parameters": {"type": "gp2", "fsType": "ext4"},
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "WaitForFirstConsumer",
}


def prepare(plane: ControlPlane) -> None:
    """Applies what every EKS cluster has. Raises urllib.error.URLError when the API is not up."""
    for manifest in (EFS_DRIVER, GP2):
        eks_objects.apply(plane, manifest)
