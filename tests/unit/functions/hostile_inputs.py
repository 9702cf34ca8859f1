"""Inputs that nobody should send, for hypothesis: by the request's own schema, out of real events, and of any kind."""

import copy
import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from provisioner.request import json_schema

ROOT: Final = Path(__file__).parents[3]
SAMPLES: Final = ("full", "minimal", "existing-network", "peered-file-system", "lent-file-system", "several-volumes")
EVENTS: Final = (
    "control-tower-create-managed-account",
    "control-tower-update-managed-account",
    "organizations-create-account-result",
)
CANARY: Final = "hunter2"
"""Part of every secret below; whoever reads it anywhere has read a secret."""

SECRET_FIELDS: Final = (
    *("password", "db_password", "apiKey", "API_KEY", "aws_secret_access_key", "sessionToken", "clientSecret"),
    *("private_key", "Authorization", "kubeconfig", "auth", "registry-credentials"),
)
SECRET_TEXTS: Final = (
    f"https://admin:{CANARY}@registry.example.com/",
    f"k8s-aws-v1.{CANARY}",
    f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}",
    f"eyJhbGciOi.{CANARY}.x",
    f"Bearer {CANARY}",
    f"Server=db;Password={CANARY}",
    f"ghp_{CANARY}0123456789",
    f"AKIAIOSFODNN7EXAMPLE {CANARY}",
    f"wJalrXUtnFEMI/K7MDENG/bPxRfiCY{CANARY}Key",
    json.dumps({"db_password": CANARY}),
)


def one_of(items: Sequence[Any]) -> st.SearchStrategy[Any]:
    """As sampled_from, which writes down all of them, and some have 250 kB."""
    return st.integers(0, len(items) - 1).map(lambda index: items[index])


secrets = (
    st.sampled_from(SECRET_TEXTS)
    | st.sampled_from(SECRET_FIELDS).map(lambda name: {name: CANARY})
    | st.sampled_from(SECRET_FIELDS).map(lambda name: [{"name": name, "value": CANARY}])
    | st.sampled_from(SECRET_FIELDS).map(lambda name: {"inner": [{name: {"value": CANARY}}]})
)


def deep(levels: int, *, of: type) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value} if of is dict else [value]
    return value


numbers = (
    st.integers()
    | st.floats()
    | st.sampled_from([*(10**400, -(10**400), 2**31, 2**32, 2**63, -(2**63) - 1, 2**64, 1e308, 5e-324, -0.0), *(0, -1)])
    | st.sampled_from([math.inf, -math.inf, math.nan])  # what json.loads makes of 1e400 and NaN
)
HALF: Final = "\ud800"
HOSTILE_TEXTS: Final = (
    *("\x1b[2J\x1b[31mred", "<script>alert(1)</script>", "[here](http://example.com)", "a\r\nb\n- region is 'x'"),
    *(
        "\u202egnp.exe",
        "\ud800",
        "\x00",
        "٣",
        "İ",
        "\u2028",
        "ﬀ",
        " eks ",
        "__proto__",
        "${jndi:x}",
        "{% $x %}",
        "'; --",
    ),
    *("../../defaults", "x" * 70_000, "🦀" * 9_000, "arn:" * 9_000, "10.0.0.0/" + "8" * 9_000),
)
texts = st.text(max_size=30) | one_of(HOSTILE_TEXTS)
# A name with half a character is no text to pydantic, which then looks at nothing else.
names = st.text(max_size=12) | one_of(
    [*(text for text in HOSTILE_TEXTS if text != HALF), *SECRET_TEXTS, "a.b", "", "0"]
)
large = one_of(
    [
        *(deep(900, of=dict), deep(900, of=list), [None] * 9_000, {f"clu{number}": number for number in range(999)}),
        {f"🦀{number}" * 20: 1 for number in range(300)},
    ]
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=4,
)
anything = st.one_of(*[values] * 18, *[secrets] * 6, large)


def objects(
    schema: Mapping[str, Any], root: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """The paths of all fields that the schema knows, in whichever of a field's forms."""
    if "$ref" in schema:
        yield from objects(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root, path)
    for form in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from objects(form, root, path)
    for name, inner in schema.get("properties", {}).items():
        yield (*path, name)
        yield from objects(inner, root, (*path, name))


FIELDS: Final = sorted(set(objects(json_schema(), json_schema())))


def _read(name: str) -> Any:
    return json.loads((ROOT / "events" / f"{name}.json").read_text())


_REQUESTS: Final = {name: _read(name) for name in SAMPLES}
_EVENTS: Final = {name: _read(name) for name in EVENTS}


def put(values: Any, path: tuple[str, ...], value: Any) -> None:
    """`value` at `path`, through objects that are made where there are none."""
    *outer, last = path
    for name in outer:
        inner = values.get(name)
        values[name] = values = dict(inner) if isinstance(inner, dict) else {}
    values[last] = value


def cut(value: Any) -> Any:
    """With texts of 600 characters at most, too many for any field: on longer ones Python's re takes minutes."""
    if isinstance(value, dict):
        return {name: cut(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return list(map(cut, value[:100]))
    return value[:600] if isinstance(value, str) else value


def drawn(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """The same ones each time, on every machine."""
    found: list[Any] = []

    @seed(17)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(value: Any) -> None:
        found.append(value)

    draw()
    return found


class Inputs:
    """Made of values that hypothesis drew once: to draw each part anew takes longer than what is tried."""

    def __init__(self) -> None:
        self.random = random.Random(17)
        self.values, self.names = drawn(anything, 800), drawn(names, 200)

    def value(self) -> Any:
        return copy.deepcopy(self.random.choice(self.values))

    def request(self) -> Any:
        """A sample with one to four fields of the schema, or fields beside them, given anything."""
        request = copy.deepcopy(_REQUESTS[self.random.choice(SAMPLES)])
        for _ in range(self.random.randint(1, 4)):
            path = self.random.choice(FIELDS)
            if self.random.random() < 0.2:
                path = (*path[:-1], self.name())
            put(request, path, CANARY if path[-1] in SECRET_FIELDS else self.value())
        return request

    def name(self) -> str:
        name: str = self.random.choice([*self.names, *SECRET_FIELDS])
        return name

    def event(self) -> Any:
        """An event about an account of which one or two parts are something else, missing, or another event's."""
        event = copy.deepcopy(_EVENTS[self.random.choice(EVENTS)])
        for _ in range(self.random.randint(1, 2)):
            path = self.random.choice([path for path in _places(event) if path[-1] in _READ] or list(_places(event)))
            match self.random.choice(["something else", "something else", "missing", "another event's"]):
                case "something else":
                    put(event, path, self.value())
                case "missing" if len(path) == 1:
                    del event[path[0]]
                case "missing":
                    put(event, path[:-1], {})
                case _:
                    event["detail"] = copy.deepcopy(_EVENTS[self.random.choice(EVENTS)]["detail"])
            if not isinstance(event.get("detail"), dict):
                break
        return event

    def fields(self, known: Sequence[str]) -> Any:
        """An object of one to three fields, some of them known."""
        chosen = {self.random.choice([*known, self.name()]) for _ in range(self.random.randint(1, 3))}
        return {name: CANARY if name in SECRET_FIELDS else self.value() for name in sorted(chosen)}


# The parts of an event that are read; the others may be anything, and are nobody's business.
_READ: Final = frozenset(
    {"source", "detail-type", "detail", "eventName", "serviceEventDetails", "state", "account", "accountId"}
    | {"organizationalUnit", "organizationalUnitId", "createManagedAccountStatus", "createAccountStatus"}
)


def _places(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield (*path, name)
        yield from _places(inner, (*path, name))
