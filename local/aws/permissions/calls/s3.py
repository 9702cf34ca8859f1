"""S3: moto names the action that a request needs, and has its own way of answering.

Source: Service Authorization Reference, "Amazon S3"; S3 guide, "Required permissions for Amazon S3 API operations".
"""

from local.aws.permissions.demand import ApiCall, Demand, Demands

ACTIONS = {
    "HeadBucket": "s3:ListBucket",
    "ListBucket": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "GetObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "DeleteObject": "s3:DeleteObject",
}


def _demands(action: str) -> Demands:
    def demands(call: ApiCall) -> list[Demand]:
        resource = str(call["Bucket"])
        if call.get("Key") and action != "s3:ListBucket":
            resource = f"{resource}/{call['Key']}"
        return [Demand(action, f"arn:{call.partition}:s3:::{resource}")]

    return demands


CALLS: dict[str, Demands] = {f"s3:{operation}": _demands(action) for operation, action in ACTIONS.items()}
