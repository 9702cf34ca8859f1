"""One number scales every duration, and nothing is finished before it was seen under way."""

import threading
import time
from types import SimpleNamespace

import pytest

from local.clock import CONSISTENCY_SECONDS, SEEN_ONCE_SECONDS, TYPICAL_SECONDS, Clock


def test_at_scale_one_things_take_their_real_time() -> None:
    clock = Clock(1)
    assert clock.delay("cluster") == TYPICAL_SECONDS["cluster"]
    assert clock.seconds(90) == 90


def test_a_scale_shortens_every_duration_alike() -> None:
    clock = Clock(0.01)
    assert clock.delay("cluster") == pytest.approx(TYPICAL_SECONDS["cluster"] / 100)
    assert clock.seconds(57) == pytest.approx(0.57)


def test_at_scale_zero_creations_are_still_seen_and_consistency_still_takes_a_moment() -> None:
    clock = Clock(0)
    assert clock.seconds(600) == 0
    assert {what: clock.delay(what) for what in ("cluster", "mount target", "add-on")} == dict.fromkeys(
        ("cluster", "mount target", "add-on"), SEEN_ONCE_SECONDS
    )
    assert clock.delay("access entry") == CONSISTENCY_SECONDS["access entry"] >= 0.3


def test_a_later_action_is_done_after_its_delay_in_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONSISTENCY_SECONDS, "cluster", 1.0)
    clock, done, start = Clock(0), threading.Event(), time.monotonic()
    threads: list[str] = []

    def action() -> None:
        threads.append(threading.current_thread().name)
        done.set()

    assert not clock.has_to_come()
    clock.later("cluster", action)
    assert clock.has_to_come()
    assert done.wait(300)
    assert clock.since(start) >= 1.0
    assert threads != [threading.current_thread().name]
    while clock.has_to_come():
        time.sleep(0.01)


def test_it_is_behind_while_work_lasts_longer_than_on_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("local.clock.time", SimpleNamespace(monotonic=lambda: now[0]))
    clock = Clock(0)
    assert not clock.is_behind()
    is_up = clock.begin("cluster")
    assert not clock.is_behind()
    now[0] += SEEN_ONCE_SECONDS * 1.1
    assert clock.is_behind()
    is_up()
    assert not clock.is_behind()


def test_a_negative_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        Clock(-1)


def test_an_unknown_thing_has_no_duration() -> None:
    with pytest.raises(KeyError):
        Clock(1).delay("luck")


@pytest.mark.parametrize(("load", "times"), [(0.0, 1), (2.0, 1), (4.0, 2), (60.0, 3)])
def test_a_machine_with_other_work_is_waited_for_as_much_longer_as_it_is_crowded(
    load: float, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0))
    assert Clock(0).waited(5) == pytest.approx((0.03 + 5 / 150) * times)
    assert Clock(0).waited(60) == pytest.approx((0.03 + 15 / 150) * times)
    assert Clock(1).waited(60) == 60
