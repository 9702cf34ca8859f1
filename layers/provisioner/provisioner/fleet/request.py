"""What a run over the fleet is asked for; the stack's parameters fill in what its input leaves out."""

from collections.abc import Mapping
from typing import Any

from provisioner.checking import Asked, asked_for
from provisioner.published import Depth


class FleetRequest(Asked):
    depth: Depth
    remediate: bool
    find_new_accounts: bool
    find_orphans: bool


def fleet_request(given: Any, environ: Mapping[str, str]) -> FleetRequest:
    """The whole request; new accounts are looked for by default when there are units to look in.

    Raises: RequestError, which lists every wrong field.
    """
    defaults = {
        "depth": "configuration",
        "remediate": environ["REMEDIATE"] == "true",
        "find_new_accounts": bool(enrolled_units(environ)),
        "find_orphans": environ["FIND_ORPHANS"] == "ENABLED",
    }
    return asked_for(FleetRequest, given, defaults)


def enrolled_units(environ: Mapping[str, str]) -> list[str]:
    """Ids of the organizational units (or of a root) whose accounts all get a cluster."""
    return listed(environ["ENROLLED_UNITS"])


def listed(text: str) -> list[str]:
    """The items of a parameter that has commas between them."""
    return [each.strip() for each in text.split(",") if each.strip()]
