"""How far off a request's date may be, and how each protocol refuses it."""

from datetime import UTC, datetime, timedelta

import pytest

from local.aws.signing_dates import refusal

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("protocol", "minutes"), [("query", 5), ("json", 5), ("rest-json", 5), ("ec2", 15), ("rest-xml", 15)]
)
def test_a_date_may_be_so_many_minutes_off_in_either_direction(protocol: str, minutes: int) -> None:
    for sign in (1, -1):
        tolerated, refused = (NOW + sign * timedelta(minutes=each) for each in (minutes, minutes + 1))
        assert refusal(protocol, f"{tolerated:%Y%m%dT%H%M%SZ}", NOW) is None
        assert refusal(protocol, f"{refused:%Y%m%dT%H%M%SZ}", NOW) is not None


def test_the_words_are_those_of_aws() -> None:
    early, late = (refusal("rest-json", each, NOW) for each in ("20260301T110000Z", "20260301T130000Z"))
    assert early
    assert early.message == (
        "Signature expired: 20260301T110000Z is now earlier than 20260301T115500Z (20260301T120000Z - 5 min.)"
    )
    assert late
    assert late.message == (
        "Signature not yet current: 20260301T130000Z is still later than 20260301T120500Z (20260301T120000Z + 5 min.)"
    )
