"""What an event is to a person: a subject, three lines, and where to go on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from provisioner.notification.detail import Detail, listed, text
from provisioner.notification.harmless import name
from provisioner.notification.words import WORDS, Line

# Source: AWS General Reference, "AWS Management Console"; the partitions in whose regions the stack can be deployed.
_CONSOLES: Final = {"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn"}
_EXECUTION: Final = re.compile(r"arn:(aws|aws-cn):states:([a-z0-9-]+):[0-9]{12}:execution:[A-Za-z0-9_-]+:[^\s:/]+")
# What may stand in a command that somebody copies: an EKS cluster's name, and nothing that a shell would take for more.
_CLUSTER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
# Source: SNS API, Publish, Subject: "less than 100 characters". With such a name none of ours is cut.
_SUBJECT_CHARACTERS: Final = 99
_NAME_CHARACTERS: Final = 30


@dataclass(frozen=True)
class Notice:
    """`lines`: what happened, the first cause or the proof, what to do. `link`: None where there is no execution."""

    subject: str
    lines: tuple[Line, Line, Line]
    commands: tuple[str, ...]
    link: str | None


def notice_of(event: Mapping[str, Any]) -> Notice:
    """Any event of the machines, in words. Raises: KeyError for a type that they do not publish.

    Takes details that lack something or hold nonsense: who has to be told is told what there is.
    """
    detail: Detail = event["detail"]
    told = WORDS[event["detail-type"]](detail)
    about = name(text(detail, "cluster", "name"), _NAME_CHARACTERS)
    account, region = (text(detail, "account_id"), text(detail, "region")) if about else ("", "")
    where = f"{name(account or event['account'], 12)}, {name(region or event['region'], 20)}"
    subject = told.happened if "counts" in detail else f"Storage cluster {about or '(refused)'} {told.happened}"
    return Notice(
        f"{subject} ({where})"[:_SUBJECT_CHARACTERS],
        (told.what, told.why, told.todo),
        _commands(detail),
        _link(text(detail, "execution_arn")),
    )


def _commands(detail: Detail) -> tuple[str, ...]:
    if "counts" in detail:
        return ("eks-efs status",)
    cluster, drift = text(detail, "cluster", "name"), listed(detail, "drift")
    if not _CLUSTER.fullmatch(cluster):
        return ()
    report = f"eks-efs report {cluster} --open"
    if not drift:
        return (report,)
    repair = " --repair" if all(each.get("repairable") is True for each in drift) else ""
    return (f"eks-efs check {cluster}{repair}", report)


def _link(execution_arn: str) -> str | None:
    """The execution in the console, which asks who wants to see it: a presigned link would be a credential."""
    found = _EXECUTION.fullmatch(execution_arn)
    if not found:
        return None
    partition, region = found.groups()
    details = f"#/v2/executions/details/{quote(execution_arn, safe=':')}"
    return f"https://{region}.{_CONSOLES[partition]}/states/home?region={region}{details}"
