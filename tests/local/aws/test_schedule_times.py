"""When schedule expressions are due."""

from datetime import UTC, datetime

import pytest

from local.aws.schedule_times import next_time

CREATED = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)
SATURDAY = datetime(2026, 8, 29, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("rate(1 day)", "2026-08-30T10:30"),
        ("rate(12 hours)", "2026-08-29T22:30"),
        ("rate(5 minutes)", "2026-08-29T12:05"),
        ("cron(17 3 * * ? *)", "2026-08-30T03:17"),
        ("cron(17 5 ? * SUN *)", "2026-08-30T05:17"),
        ("cron(0 12 ? * MON-FRI *)", "2026-08-31T12:00"),
        ("cron(0/20 12 * * ? *)", "2026-08-29T12:20"),
        ("cron(0 0 1 1,7 ? *)", "2027-01-01T00:00"),
        ("at(2026-08-29T12:00:31)", "2026-08-29T12:00:31"),
    ],
)
def test_an_expression_is_due_at_the_first_moment_after(expression: str, due: str) -> None:
    assert next_time(expression, SATURDAY, CREATED) == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_a_moment_that_has_passed_is_never_due_again() -> None:
    assert next_time("at(2026-08-29T12:00:00)", SATURDAY, CREATED) is None
    assert next_time("cron(0 0 1 1 ? 2020)", SATURDAY, CREATED) is None


@pytest.mark.parametrize(
    "expression", ["rate(0 days)", "daily", "cron(0 0 * * * *)", "cron(0 0 L * ? *)", "cron(0 24 * * ? *)"]
)
def test_what_is_no_expression_or_not_known_here_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"cron|expression|within"):
        next_time(expression, SATURDAY, CREATED)
