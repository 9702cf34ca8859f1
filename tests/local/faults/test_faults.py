"""What can be broken is all in one place, and whoever walks through it leaves nothing out."""

import pkgutil
from collections import Counter
from importlib import import_module

from bench import diagnosis
from local import faults
from local.faults import FAULTS


def test_every_fault_of_every_module_can_be_asked_for_and_has_a_row_of_its_own_in_the_bench() -> None:
    modules = [import_module(f"{faults.__name__}.{each.name}") for each in pkgutil.iter_modules(faults.__path__)]
    names = [fault.name for module in modules for fault in getattr(module, "FAULTS", ())]
    assert len(names) > 60
    assert sorted(names) == sorted(FAULTS)
    assert {(name,) for name in names} <= set(diagnosis.rows())


def test_whoever_strikes_in_a_whole_region_or_account_has_it_alone() -> None:
    """Tests let several strike at once: which of them do, this machine decides."""
    elsewhere = [
        str(fault.request[each])
        for fault in FAULTS.values()
        for each in ("region", "account_id")
        if each in fault.request
    ]
    assert len(elsewhere) > 15
    assert {each: count for each, count in Counter(elsewhere).items() if count > 1} == {}
