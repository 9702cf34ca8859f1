"""AWS's limits as accounts have them that have asked for nothing: for whoever wants to know what becomes of a crowd.

Otherwise the embedded cloud's accounts have had their quotas raised, and may ask as often as they like.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from local.aws import quotas
from local.cloud import EmbeddedCloud

CONCURRENT_EXECUTIONS = 10


@contextmanager
def of_new_accounts(cloud: EmbeddedCloud, concurrent_executions: int = CONCURRENT_EXECUTIONS) -> Iterator[None]:
    """In this block; `concurrent_executions` are those of the account that the app is in."""
    raised, here = dict(quotas.RAISED), (cloud.account_id, cloud.region, quotas.CONCURRENT_EXECUTIONS)
    quotas.RAISED.clear()
    quotas.APPLIED[here] = concurrent_executions
    undo = cloud.server.rates.enforce()
    try:
        yield
    finally:
        undo()
        del quotas.APPLIED[here]
        quotas.RAISED.update(raised)
