"""Policies beyond the roles' own that keep the provisioner from something: AWS names the one that decided.

Source: IAM guide, "Troubleshoot access denied error messages"; Organizations guide, "Enforce tagging consistency";
runs-on/runs-on#485 for the words of a tag policy's refusal.
"""

import re
from typing import Final

from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Finding

OWN: Final = "identity-based policy"
_KIND: Final = r"[A-Za-z -]+ (?:policy|boundary)"
_DENIES: Final = rf"with an explicit deny in an? (?P<denying>{_KIND})(?:: (?P<arn>arn:[^\s)]*[^\s),.;]))?"
_LACKS: Final = rf"because no (?P<lacking>(?!{OWN}){_KIND}) allows the [\w:-]+ action"
DECIDED: Final = rf"{_DENIES}|{_LACKS}"
TAG_REFUSED: Final = r"tag policy does not allow the specified value for the following tag key: '(?P<key>[^']+)'"
_CALL: Final = re.compile(r"perform: (?P<action>[\w-]+:\w+)(?: on resource: (?P<resource>\S+))?")

_CHANGES: Final = {
    "service control policy": "let {policy} of the organization allow {action} for the provisioner's role, for "
    "instance by a condition on aws:PrincipalArn: nothing in the account can",
    "resource control policy": "let {policy} of the organization allow {action} on {resource}: nothing in the account "
    "can",
    "permissions boundary": "let {policy} of the provisioner's role allow {action}, or take the boundary off the role",
    "session policy": "let {policy} with which the provisioner's role was assumed allow {action}",
    "VPC endpoint policy": "let {policy}, of the endpoint through which the functions reach AWS, allow {action}",
    "resource-based policy": "let the policy of {resource} itself allow {action} to the provisioner's role",
    OWN: "take the deny of {action} out of {policy} of the provisioner's role",
}


def policy(_live: Live, text: str) -> Finding:
    """The refusal itself: AWS names in it the kind of policy that decided, and nobody else may see most of them."""
    looked_at = "AWS's refusal, which names what decided"
    decided = re.search(DECIDED, text)
    if decided is None:
        return Finding.refuted(looked_at, "no policy beyond the role's own is named")
    kind, call = decided["denying"] or decided["lacking"], _CALL.search(text)
    change = _CHANGES.get(kind, "let {policy} allow {action}").format(
        policy=f"the {kind}" + (f" {decided['arn']}" if decided["arn"] else ""),
        action=call["action"] if call else "the call",
        resource=(call["resource"] if call else None) or "the resource",
    )
    return Finding.proved(looked_at, f"{call[0] if call else 'it'} was refused {decided[0]}", what_to_change=change)


def tag(live: Live, text: str) -> Finding:
    """The refusal itself: it names the tag's key, and the policy is the organization's alone to see."""
    looked_at, refused = "AWS's refusal, which names the tag", re.search(TAG_REFUSED, text)
    if refused is None:
        return Finding.refuted(looked_at, "no tag is named")
    key, tags = refused["key"], live.request.tags
    saw = f"the tag policy of the organization does not allow {key}={live.request.owner_tags.get(key, '…')}"
    if key in tags:
        fix = f"give tags.{key}, which is {tags[key]!r}, a value that the organization's tag policy allows"
        return Finding.proved(looked_at, saw, what_to_change=f"{fix}, its key in the same capitals as there")
    return Finding.proved(looked_at, saw, what_to_change=f"let the organization's tag policy allow the tag {key}")
