"""The function of state "Ensure NAT gateways"."""

from tests.unit.functions.conftest import Invoke


def test_it_is_pending_and_then_ready(invoke: Invoke) -> None:
    for _ in range(2):
        invoke("ensure_network")
    assert invoke("ensure_nat_gateways") == {"ready": False, "reason": "Creating", "retry_after_seconds": 60}
    assert invoke("ensure_nat_gateways")["ready"]
