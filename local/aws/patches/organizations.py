"""Organizations as it answers today.

moto lacks: State, which has replaced Status in what describes an account (API reference, Account: "will be retired on
September 9, 2026"); refusing who may not ask (API reference, ListParents and the other lists: "can be called only from
the organization's management account or by a member account that is a delegated administrator"); ids of policies as
long as the model has them.
"""
# mypy: disable-error-code="method-assign"

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.organizations import utils
from moto.organizations.exceptions import OrganizationsClientError
from moto.organizations.models import FakeAccount, organizations_backends
from moto.organizations.responses import OrganizationsResponse

from local.aws.refusals import refusal

if TYPE_CHECKING:
    from local.aws.server import AwsServer


LISTS = (
    "list_accounts",
    "list_accounts_for_parent",
    "list_organizational_units_for_parent",
    "list_parents",
    "list_tags_for_resource",
)

UNKNOWN_CHILDREN = ("AccountNotFoundException", "OrganizationalUnitNotFoundException")
"""What moto says of a child that there is not; of these calls, only ListParents names one."""


def install(server: AwsServer) -> None:
    for name in LISTS:
        setattr(OrganizationsResponse, name, _for_administrators(getattr(OrganizationsResponse, name)))
    utils.POLICY_ID_SIZE = 10
    utils.POLICY_ID_REGEX = utils.POLICY_ID_REGEX.replace("{8}", "{10}")
    describe = FakeAccount.describe

    def described(self: FakeAccount) -> dict[str, Any]:
        account = dict(describe(self))
        account["State"] = account.pop("Status")
        return account

    FakeAccount.describe = described


def _for_administrators(list_them: Callable[[OrganizationsResponse], str]) -> Callable[[OrganizationsResponse], str]:
    """A delegated administrator is told of the organization, which moto keeps with the account that manages it."""

    def listed(self: OrganizationsResponse) -> str:
        account_id = self.current_account
        managed_by, partition = organizations_backends.master_accounts.get(account_id, (account_id, self.partition))
        if organizations_backends[managed_by][partition].org is None:
            raise refusal("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
        administrators = {admin.account.id for admin in organizations_backends[managed_by][partition].admins}
        if account_id not in administrators | {managed_by}:
            raise refusal("AccessDeniedException", "You don't have permissions to access this resource.")
        self.current_account = managed_by
        try:
            return list_them(self)
        except OrganizationsClientError as error:
            if error.code not in UNKNOWN_CHILDREN:
                raise
            raise refusal("ChildNotFoundException", "You provided a ChildId that doesn't exist.") from error

    return listed
