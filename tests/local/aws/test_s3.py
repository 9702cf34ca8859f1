"""A bucket policy is read with its conditions."""

import json
from contextlib import nullcontext

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.s3.models import FakeBucket

from local.aws import s3


@pytest.mark.parametrize(("condition", "refused"), [("false", False), ("true", True)])
def test_a_deny_applies_only_where_its_condition_holds(
    condition: str, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeBucket, "get_permission", s3.get_permission)
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::kept/*",
        "Condition": {"Bool": {"aws:SecureTransport": condition}},
    }
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        client.create_bucket(Bucket="kept")
        client.put_bucket_policy(Bucket="kept", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        outcome = pytest.raises(ClientError, match="403") if refused else nullcontext()
        with outcome:
            client.put_object(Bucket="kept", Key="a", Body=b"")
