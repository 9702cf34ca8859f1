"""What pods print of how long their calls took, as each kind of image prints it."""

import pytest

from provisioner.kubernetes.evidence import Measured
from provisioner.kubernetes.measured import measured

BUSYBOX = "1+0 records in 1+0 records out 4096 bytes (4.0KB) copied, 0.002713 seconds, 1.4MB/s"
GNU = "1+0 records in 1+0 records out 4096 bytes (4.1 kB, 4.0 KiB) copied, 3.4662e-05 s, 118 MB/s"
SILENT = "1+0 records in 1+0 records out"
"""As Debian builds busybox."""
NEVER = "unknown unknown"
SHELL = "1795904571.292664 1795904571.295001"


@pytest.mark.parametrize(
    ("clock", "times", "said", "microseconds"),
    [
        ("dd", SHELL, BUSYBOX, 2713),
        ("dd", NEVER, BUSYBOX, 2713),
        ("shell", SHELL, SILENT, 2337),
        ("shell", SHELL, GNU, 2337),
        ("dd-once-open", NEVER, GNU, 35),
    ],
)
def test_the_clock_that_counts_most_of_the_call_and_least_besides_tells_the_time(
    clock: str, times: str, said: str, microseconds: int
) -> None:
    found = measured([f"small_write {times} {said}", f"sequential_read {times} {said}"])
    assert found is not None
    assert found == Measured.model_validate(
        {"clock": clock, "small_write": [microseconds], "sequential_read": [microseconds]}
    )


@pytest.mark.parametrize(
    "line",
    [
        f"small_write {NEVER} {SILENT}",
        f"small_write 1795904571.295001 1795904571.292664 {SILENT}",
        f"another_call {SHELL} {BUSYBOX}",
        "small_write",
        f"small_write {NEVER} copied, 1.2.3e seconds, so",
    ],
    ids=["no-clock", "a-clock-that-was-set-back", "unknown-call", "torn", "no-number"],
)
def test_what_was_not_measured_has_no_number(line: str) -> None:
    assert measured([line]) is None


def test_numbers_of_two_clocks_are_not_mixed() -> None:
    found = measured([f"small_write {SHELL} {BUSYBOX}", f"small_write {SHELL} {SILENT}"])
    assert found == Measured(clock="dd", small_write=[2713])
