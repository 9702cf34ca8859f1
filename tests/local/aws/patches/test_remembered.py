"""What is looked for once is found as long as it is there."""

from __future__ import annotations

from moto.iam.models import iam_backends

from local.aws.administrators import administrator_of
from local.aws.patches.remembered import _account_of
from tests.local.aws.patches.conftest import Sandbox

ACCOUNT = "777766665555"


def test_the_account_of_an_access_key_is_looked_for_until_it_is_found_and_when_the_key_is_gone(aws: Sandbox) -> None:
    looked_for = []

    def look_for(access_key: str) -> str:
        looked_for.append(access_key)
        return ACCOUNT if access_key == key else aws.server.account_id

    account_of, key = _account_of(look_for), administrator_of(ACCOUNT).access_key_id
    assert [account_of(key), account_of(key), account_of("nobody's")] == [ACCOUNT, ACCOUNT, aws.server.account_id]
    assert looked_for == [key, "nobody's"]
    iam_backends[ACCOUNT]["aws"].delete_access_key(key, "administrator")
    account_of("nobody's")
    account_of(key)
    assert looked_for == [key, "nobody's", "nobody's", key]
