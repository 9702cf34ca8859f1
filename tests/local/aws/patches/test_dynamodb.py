import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.local.aws.patches.conftest import Sandbox

CLAIMERS = 8
TIMES = 10


@pytest.fixture
def hurried() -> Iterator[None]:
    """Threads give way to each other all the time, as they do now and then on a busy machine."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hurried")
def test_of_claims_at_the_same_moment_one_is_written(aws: Sandbox) -> None:
    dynamodb = aws.server.client("dynamodb")
    dynamodb.create_table(
        TableName="claims",
        KeySchema=[{"AttributeName": "cluster", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "cluster", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def claim(cluster: int, claimer: int) -> bool:
        try:
            dynamodb.update_item(
                TableName="claims",
                Key={"cluster": {"S": str(cluster)}},
                UpdateExpression="SET claimed_by = :claimer",
                ConditionExpression="attribute_not_exists(claimed_by)",
                ExpressionAttributeValues={":claimer": {"S": str(claimer)}},
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(CLAIMERS) as pool:
        for cluster in range(TIMES):
            won = list(pool.map(claim, [cluster] * CLAIMERS, range(CLAIMERS)))
            assert won.count(True) == 1
