"""Organizations as it answers today.

moto lacks: State, which has replaced Status in what describes an account (API reference, Account: "will be retired on
September 9, 2026").
"""
# mypy: disable-error-code="method-assign"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.organizations.models import FakeAccount

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install(server: AwsServer) -> None:
    describe = FakeAccount.describe

    def described(self: FakeAccount) -> dict[str, Any]:
        account = dict(describe(self))
        account["State"] = account.pop("Status")
        return account

    FakeAccount.describe = described
