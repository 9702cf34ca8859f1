"""What is written whenever something has ended: its page, unless it has one already, and the index of all clusters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from provisioner.report.index import IndexStore
from provisioner.report.storage import ReportStore


@dataclass(frozen=True)
class Pages:
    reports: ReportStore
    index: IndexStore

    def write(
        self,
        execution_arn: str,
        request: Mapping[str, Any] | None,
        detail: Mapping[str, Any] | None,
        now: datetime,
        *,
        with_index: bool = True,
    ) -> dict[str, Any]:
        """Write both; {report_url: null for None, index_url: null without it}.

        `detail`: of the event of a check, or of a check of all clusters, which has no `request`; None for what has its
        page. Idempotency key, Raises, Source: as ReportStore.tell_check, ReportStore.tell_fleet, IndexStore.rewrite.
        """
        report_url = None
        if detail is not None and request is not None:
            report_url = self.reports.tell_check(execution_arn, request, detail)
        elif detail is not None:
            report_url = self.reports.tell_fleet(detail, now)
        return {"report_url": report_url, "index_url": self.index.rewrite(now) if with_index else None}
