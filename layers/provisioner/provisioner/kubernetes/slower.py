"""Storage that is slower than it was: told with a check whose pods found it so, and nothing more."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median_low
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from provisioner.difference import Difference, DriftKind, Severity
from provisioner.kubernetes.measurements import MEASURES, Measure, Proof

SLOWER = DriftKind(
    resource="file system {file_system}",
    path="{measure}.{zone}",
    severity=Severity.INFORMATION,
    meaning="Pods of this check found it slower in that zone than in the median of at least three earlier proofs: by a "
    "factor of three, and by what people notice.",
    fix="nothing is wrong by that alone, and nothing is repaired: {why}",
    repairable=False,
)

_FACTOR: Final = 3
_LEAST_PROOFS: Final = 3
_LEAST_DIFFERENCES: Final[Mapping[str, float]] = {
    "mounted_seconds": 60,
    "small_write_milliseconds": 20,
    "small_read_milliseconds": 10,
    "sequential_write_mib_per_second": 5,
    "sequential_read_mib_per_second": 5,
}
# Ten seconds of the least rate that bursts have.
_SPENT_BYTES: Final = 10 * 100 * 2**20
_AT_LIMIT_PERCENT: Final = 95


class Throughput(BaseModel):
    """What EFS allowed of late. None: CloudWatch knows nothing of it."""

    model_config = ConfigDict(frozen=True)

    mode: str
    burst_credit_bytes: float | None
    """The least of the hour."""
    io_limit_percent: float | None
    """How near it came to the limit of its operations within the hour."""


def slower(measured: Sequence[Proof], throughput: Mapping[str, Any] | None) -> Iterator[Difference]:
    """How the last of the proofs is slower than those before it, of the same file system and by the same clock.

    `throughput`: {mode, burst_credit_bytes, io_limit_percent} as in Throughput; None: nobody has looked.
    """
    *before, last = measured
    alike = [each for each in before if (each.file_system_id, each.clock) == (last.file_system_id, last.clock)]
    why = explanation(Throughput.model_validate(throughput) if throughput else None)
    for zone, found in last.zones.items():
        for measure in MEASURES:
            spreads = [each.zones.get(zone, {}).get(measure.name) for each in alike]
            earlier = [each.median for each in spreads if each]
            if measure.name in found and len(earlier) >= _LEAST_PROOFS:
                usual, now = median_low(earlier), found[measure.name].median
                if _is_slower(measure, usual, now):
                    named = {"file_system": last.file_system_id, "measure": measure.name, "zone": zone, "why": why}
                    yield SLOWER.found(expected=usual, actual=now, **named)


def _is_slower(measure: Measure, usual: float, now: float) -> bool:
    better, worse = (now, usual) if measure.is_rate else (usual, now)
    return worse > better * _FACTOR and worse - better >= _LEAST_DIFFERENCES[measure.name]


def explanation(throughput: Throughput | None) -> str:
    """What explains it, as far as the file system's throughput mode and its metrics can.

    Source: EFS user guide, "Throughput modes" (bursting: 50 KiB/s for each GiB stored, at least 1 MiB/s, when there are
    no credits), "CloudWatch metrics for Amazon EFS" (BurstCreditBalance, PercentIOLimit).
    """
    match throughput:
        case None:
            return "nobody could look at the throughput mode and its metrics"
        case Throughput(io_limit_percent=float(percent)) if percent >= _AT_LIMIT_PERCENT:
            return (
                "within the last hour its clients came to the limit of its operations (PercentIOLimit "
                f"{percent:.0f} %), so that all wait: see what they do"
                + ("" if throughput.mode == "elastic" else "; file_system.throughput_mode elastic has a higher limit")
            )
        case Throughput(mode="bursting", burst_credit_bytes=float(bytes_left)) if bytes_left < _SPENT_BYTES:
            return (
                f"its burst credits are spent (BurstCreditBalance {bytes_left / 2**20:.0f} MiB): until it has earned "
                "some it has 50 KiB/s for each GiB stored, and at least 1 MiB/s; file_system.throughput_mode elastic "
                "knows no credits"
            )
        case Throughput(mode="bursting", burst_credit_bytes=float(bytes_left)):
            return f"its burst credits ({bytes_left / 2**30:.0f} GiB) do not explain it: see what its clients do"
        case Throughput(mode="bursting"):
            return "CloudWatch knows nothing of its burst credits (BurstCreditBalance), which may explain it"
        case Throughput(mode=mode):
            return f"throughput mode {mode} has no burst credits to be spent: see what its clients do"
