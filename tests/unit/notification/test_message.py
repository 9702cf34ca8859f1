"""What people read of each event, whatever stands in it, and what machines get."""

import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from provisioner.notification.message import message_about
from provisioner.notification.words import WORDS
from tests.unit.notification.events import (
    CHECKED,
    DRIFTED,
    EVERY,
    FAILED,
    READY,
    REFUSED,
    REMOVED,
    SHA256,
    VERIFIED,
    difference,
)

SCHEMAS = Path(__file__).parents[3] / "schemas"
CONSOLE = "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/"
EXECUTION = "arn:aws:states:eu-west-1:111122223333:execution:eks-efs-provisioner-"
Event = dict[str, Any]


def forms(event: Mapping[str, Any]) -> dict[str, str]:
    told: dict[str, str] = json.loads(message_about(event)["Message"])
    return told


def mail(event: Mapping[str, Any]) -> list[str]:
    return forms(event)["email"].split("\n")


def changed(event: Event, **detail: Any) -> Event:
    return {**event, "detail": {**event["detail"], **detail}}


@pytest.mark.parametrize("event", EVERY.values(), ids=EVERY)
def test_the_samples_are_what_the_machines_publish(event: Event) -> None:
    schema = SCHEMAS / f"{event['detail-type'].lower().replace(' ', '-')}.schema.json"
    Draft202012Validator(json.loads(schema.read_text())).validate(event["detail"])


def test_every_kind_of_event_that_has_a_schema_has_words() -> None:
    titles = {json.loads(path.read_text())["title"] for path in SCHEMAS.glob("storage-*.schema.json")}
    assert WORDS.keys() == titles == {event["detail-type"] for event in EVERY.values()}


@pytest.mark.parametrize(
    ("event", "subject", "lines", "commands"),
    [
        (
            READY,
            "Storage cluster eks-example is ready (111122223333, eu-west-1)",
            (
                "eks-example in account 111122223333, eu-west-1: "
                "ready, with Kubernetes 1.34 and the file system fs-0123456789abcdef0.",
                f"Proof: a fresh pod read every line that 3 pods wrote; evidence {SHA256}.",
                "What to do: nothing; pods may mount the claim default/efs-claim",
            ),
            ("eks-efs report eks-example --open",),
        ),
        (
            FAILED,
            "Storage cluster eks-example failed (111122223333, eu-west-1)",
            (
                "eks-example in account 111122223333, eu-west-1: a run failed in the state Verify storage.",
                "Cause: The security group sg-1 admits nobody at port 2049.",
                "What to do: Open port 2049 of sg-1. Left behind: the pods of the proof",
            ),
            ("eks-efs report eks-example --open",),
        ),
        (
            REFUSED,
            "Storage cluster (refused) failed (111122223333, eu-west-1)",
            (
                "A request that was refused: a run failed in the state Validate request.",
                "It said: RequestError: cluster.name: 'Not A Name'",
                "What to do: read the report and the execution, mend the cause, and start it again.",
            ),
            (),
        ),
        (
            DRIFTED,
            "Storage cluster eks-example has drifted (111122223333, eu-west-1)",
            (
                "eks-example in account 111122223333, eu-west-1: not as it was asked for; 2 differences, 1 critical.",
                "The first: sg-1, lifecycle: None instead of AFTER_30_DAYS",
                "What to do: set the lifecycle of sg-1",
            ),
            ("eks-efs check eks-example --repair", "eks-efs report eks-example --open"),
        ),
        (
            VERIFIED,
            "Storage cluster eks-example is as asked for (111122223333, eu-west-1)",
            (
                "eks-example in account 111122223333, eu-west-1: as it was asked for.",
                f"Proof: a fresh pod read every line that 3 pods wrote; evidence {SHA256}.",
                "What to do: nothing. Its version leaves standard support on 2026-12-02.",
            ),
            ("eks-efs report eks-example --open",),
        ),
        (
            REMOVED,
            "Storage cluster eks-example was removed (111122223333, eu-west-1)",
            (
                "eks-example in account 111122223333, eu-west-1: removed; 1 resource gone.",
                "Kept: the file system fs-0123456789abcdef0, with 6144 bytes.",
                "What to do: nothing. To use it again: name it in a request",
            ),
            ("eks-efs report eks-example --open",),
        ),
        (
            CHECKED,
            "Storage fleet: 2 of 40 clusters need somebody (111122223333, eu-west-1)",
            (
                "The fleet was checked: 38 verified, 1 drifted, 0 failed, 1 unreachable, 0 busy, 0 never proven.",
                "The first: eks-example in account 111122223333, eu-west-1: Unreachable. the role is gone",
                "What to do: see each. 3 versions about to leave standard support, or past it.",
            ),
            ("eks-efs status",),
        ),
    ],
    ids=EVERY,
)
def test_an_event_is_a_subject_three_lines_and_where_to_go_on(
    event: Event, subject: str, lines: tuple[str, ...], commands: tuple[str, ...]
) -> None:
    link = CONSOLE + event["detail"]["execution_arn"]
    told = message_about(event)
    assert told["Subject"] == subject
    assert told["MessageAttributes"]["detail-type"]["StringValue"] == event["detail-type"]
    when = "Event 6a7e8feb-b491-4cf7-a9f1-bf3703467718 of 2026-01-02T03:04:05Z"
    assert mail(event) == [*lines, "", *commands, link, when]
    assert forms(event)["sms"] == subject


@pytest.mark.parametrize(
    ("event", "line", "words"),
    [
        (changed(FAILED, execution_arn=f"{EXECUTION}reverify:1"), 0, "a check failed"),
        (changed(FAILED, execution_arn=f"{EXECUTION}teardown:1"), 0, "a removal failed"),
        (
            changed(FAILED, diagnosis=[{"verdict": "possible", "cause": "No way out."}]),
            1,
            "Possible cause: No way out.",
        ),
        (
            changed(FAILED, diagnosis=[{"verdict": "refuted", "cause": "No."}]),
            1,
            "It said: TerminalError: The pods could not mount.",
        ),
        (changed(FAILED, left_behind=None), 2, "What to do: Open port 2049 of sg-1."),
        (changed(DRIFTED, drift=[difference("fs-1")]), 1, "It is: fs-1, lifecycle"),
        (changed(VERIFIED, behaviour=None), 1, "Proof: its configuration, which is all that was asked about."),
        (
            changed(VERIFIED, behaviour={"proven": False, "left_out_because": "it is busy"}),
            1,
            "Proof: its configuration alone; pods did not run: it is busy",
        ),
        (changed(VERIFIED, repaired=[difference("fs-1")]), 0, "as it was asked for; 1 difference repaired on the way."),
        (changed(VERIFIED, support=None), 2, "What to do: nothing."),
        (changed(REMOVED, kept_file_system=None), 1, "Kept: nothing."),
        (
            changed(REMOVED, kept_file_system=None, kept=[{"resource": "VPC", "id": "vpc-1", "why": "it is not ours"}]),
            1,
            "Kept: VPC vpc-1: it is not ours",
        ),
        (changed(CHECKED, attention=[], attention_left_out=0), 1, "None of them needs anybody."),
        (
            changed(CHECKED, attention=[], orphans_failure={"state": "Find orphans", "error": "E", "cause": "denied"}),
            1,
            "Not all was looked at: Find orphans: denied",
        ),
    ],
)
def test_the_lines_follow_what_the_event_has(event: Event, line: int, words: str) -> None:
    assert words in mail(event)[line]


def test_a_repair_is_proposed_only_when_it_repairs_everything() -> None:
    by_a_person = changed(DRIFTED, drift=[difference("fs-1"), difference("sg-1", repairable=False)])
    assert "eks-efs check eks-example" in mail(by_a_person)


def test_a_link_leads_to_the_console_of_the_executions_partition_and_region() -> None:
    arn = "arn:aws-cn:states:cn-north-1:111122223333:execution:eks-efs-provisioner-provision:run-1"
    (link,) = [each for each in mail(changed(READY, execution_arn=arn)) if each.startswith("https:")]
    assert link.startswith("https://cn-north-1.console.amazonaws.cn/states/home?region=cn-north-1#/v2/executions/")


def test_a_chat_gets_a_custom_notification_with_others_words_in_code_and_a_thread_for_a_clusters_day() -> None:
    subject = "Storage cluster eks-example failed (111122223333, eu-west-1)"
    assert json.loads(forms(FAILED)["https"]) == {
        "version": "1.0",
        "source": "custom",
        "id": FAILED["id"],
        "content": {
            "textType": "client-markdown",
            "title": subject,
            "description": ANY,
            "nextSteps": [
                "What to do: `Open port 2049 of sg-1. Left behind: the pods of the proof`",
                "`eks-efs report eks-example --open`",
            ],
            "keywords": ["Failed", "111122223333", "eu-west-1"],
        },
        "metadata": {
            "threadId": "111122223333/eu-west-1/eks-example/2026-01-02",
            "summary": subject,
            "eventType": "Storage Cluster Failed",
            "relatedResources": ["eks-example"],
        },
    }
    what, why, link = json.loads(forms(FAILED)["https"])["content"]["description"].split("\n")
    assert what.endswith("failed in the state Verify storage.")
    assert why == "Cause: `The security group sg-1 admits nobody at port 2049.`"
    assert link == CONSOLE + FAILED["detail"]["execution_arn"]


@pytest.mark.parametrize("event", EVERY.values(), ids=EVERY)
def test_machines_get_the_event_itself(event: Event) -> None:
    told = forms(event)
    assert json.loads(told["default"]) == event
    assert {"sqs", "lambda", "firehose", "http"}.isdisjoint(told)


def test_an_event_that_leaves_no_room_for_the_words_loses_its_largest_fields_and_says_which() -> None:
    large = changed(READY, evidence={"sha256": SHA256, "writers": [{"a": 1}] * 24_000}, timings={"x": 1.5})
    assert len(json.dumps(large)) < 250_000, "it would fit, were it not quoted in the message"
    message = message_about(large)
    assert len(message["Message"]) + len(json.dumps(message["MessageAttributes"])) <= 262_144
    kept = json.loads(forms(large)["default"])
    assert kept["detail"].pop("left_out_of_notification") == ["evidence"]
    assert kept["detail"] == {name: each for name, each in large["detail"].items() if name != "evidence"}


def test_no_number_makes_a_subject_too_long() -> None:
    assert len(message_about(changed(CHECKED, counts={"verified": 10**60}))["Subject"]) == 99


def test_a_credential_in_what_somebody_said_goes_nowhere() -> None:
    signed = "403 of https://bucket.s3.amazonaws.com/key?X-Amz-Signature=abcdef&X-Amz-Security-Token=secret"
    told = forms(changed(FAILED, diagnosis=[], failure={"state": "S", "error": "E", "cause": signed}))
    for people in ("email", "sms", "https"):
        assert "X-Amz" not in told[people]


ATTACKS = st.lists(
    st.sampled_from(
        (
            *("<!channel>", "<@U012>", "@here", "<https://evil.example|log in>", "[log in](https://evil.example)"),
            *("http://evil.example/?token=1", "www.evil.example", "`", "```", "</a>", "\n", "\r\n", "\x1b[31m", "\x00"),
            *("\u202e", "\u2028", "\u200b", "\ud800", "ä", "; rm -rf ~", "$(id)", "eks-example", " ", "javascript://x"),
        )
    )
    | st.text(max_size=20),
    max_size=12,
).map("".join)


@given(text=ATTACKS, which=st.sampled_from(sorted(EVERY)))
@example(text="\nwww.evil.example", which="ready")  # its dots, and those of a cut
def test_whatever_stands_in_an_event_it_is_read_and_nothing_more(text: str, which: str) -> None:
    event = {**EVERY[which], "detail": {k: _with(v, text) for k, v in EVERY[which]["detail"].items()}}
    told = message_about(event)
    assert re.fullmatch(r"[!-~][ -~]{0,98}", told["Subject"])
    assert not re.search(r"(?<!\.)\.[A-Za-z]", told["Subject"])
    forms_of = json.loads(told["Message"])
    chat = json.loads(forms_of["https"])["content"]
    assert len(chat["title"]) <= 250
    assert len(chat["description"]) <= 8000
    mail_lines = forms_of["email"].split("\n")
    assert len(mail_lines) <= 8
    for line in (*mail_lines, *chat["description"].split("\n"), *chat["nextSteps"], chat["title"]):
        unlinked = line if not line.startswith(CONSOLE) else re.sub(r"^https://[!-~]+$", "", line)
        assert not {unicodedata.category(each) for each in unlinked if each != " "} & {
            "Cc",
            "Cf",
            "Cs",
            "Co",
            "Zl",
            "Zp",
        }
        assert not re.search(r"[<>]|://|\]\(|(?i:\bwww\.)|(?<![\w.])@\w", unlinked)
        assert unlinked.count("`") in (0, 2)
    commands = [line for line in mail_lines if line.startswith("eks-efs ")]
    assert all(re.fullmatch(r"eks-efs [a-z]+( [0-9A-Za-z][\w-]*)?( --[a-z]+)?", line, re.ASCII) for line in commands)


def _with(value: Any, text: str) -> Any:
    match value:
        case str():
            return text
        case dict():
            return {name: _with(each, text) for name, each in value.items()}
        case list():
            return [_with(each, text) for each in value]
        case _:
            return value


@given(
    detail=st.dictionaries(
        st.sampled_from(sorted(READY["detail"] | CHECKED["detail"] | FAILED["detail"])),
        st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just([]) | st.just([None]) | st.just({}),
        max_size=8,
    ),
    kind=st.sampled_from(sorted(WORDS)),
)
def test_an_event_that_is_not_as_it_should_be_is_told_too(detail: dict[str, Any], kind: str) -> None:
    message = message_about({**READY, "detail-type": kind, "detail": detail})
    assert re.fullmatch(r"[!-~][ -~]{0,98}", message["Subject"])
    assert json.loads(json.loads(message["Message"])["default"])["detail"] == detail
