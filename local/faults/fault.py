"""What a fault is, and the moment at which it strikes: just before a state's function runs for a cluster."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.aws.hooks import Call, Undo
from local.cloud import EmbeddedCloud
from local.faults.scene import Scene

Act = Callable[[Scene], bool | None]
"""Changes the live state. False: it is too early, try again when the state's function runs the next time."""

Strike = Callable[[EmbeddedCloud, str | None], Undo]
"""Arms the fault for one cluster, or for the first one that comes along."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong behind the program's back. `expected_rule` is the diagnosis it must get."""

    name: str
    description: str
    expected_rule: str
    strike: Strike
    request: Mapping[str, Any] = field(default_factory=dict)
    """What a run must ask for to meet this fault."""
    world: Callable[[EmbeddedCloud], Mapping[str, Any]] | None = None
    """Makes what such a run is to find in its account, and tells what it must ask for because of that."""
    verdict: str = "proved"
    """`possible` where nothing that can be looked at shows the cause."""

    def install(self, cloud: EmbeddedCloud, cluster_name: str | None = None) -> Undo:
        """Arms it for a run that is yet to start; the returned function disarms it."""
        return self.strike(cloud, cluster_name)

    def asked(self, request: Mapping[str, Any], cloud: EmbeddedCloud) -> dict[str, Any]:
        """The request, changed to one that meets this fault in the cloud."""
        return {**merged(request, self.request), **(self.world(cloud) if self.world else {})}


def before(state: str, act: Act) -> Strike:
    """Strikes once, when the function of `state` is about to run."""

    def strike(cloud: EmbeddedCloud, cluster_name: str | None) -> Undo:
        function, done, lock = f"-{state.title().replace(' ', '')}Function-", threading.Event(), threading.Lock()

        def invoked(call: Call) -> None:
            if done.is_set() or function not in call.path:
                return
            scene = Scene(cloud, json.loads(call.body))
            with lock:
                if cluster_name in (None, scene.cluster_name) and not done.is_set() and act(scene) is not False:
                    done.set()

        return cloud.server.hooks.before("lambda:Invoke", invoked)

    return strike


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes`, objects merged into each other."""
    return {
        **base,
        **{
            name: merged(base[name], value)
            if isinstance(value, Mapping) and isinstance(base.get(name), Mapping)
            else value
            for name, value in changes.items()
        },
    }
