"""Which resources an action is asked for on: what AWS publishes, filled with what is known of one request.

Source: Service Authorization Reference, "Actions table": a request needs its action on every required resource type,
and on each optional one that it names; where there are none, on `*`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product

from local.aws.permissions import existing
from local.aws.permissions.demand import Context, Demand, Place
from local.aws.permissions.reference import Action, ResourceType, Target

GENERATED = ("UUID", "Id")
"""Placeholders that AWS fills at creation: nobody names a resource by them."""

Values = Callable[[ResourceType, str], Sequence[str]]
"""What a request gives for a placeholder in the ARN of a resource type; nothing when it does not."""


def demands(
    action: Action,
    place: Place,
    values: Values,
    context: Context,
    *,
    arns: Iterable[str] = (),
    nameable: Callable[[ResourceType], bool] = lambda _: False,
) -> list[Demand]:
    """`arns` are those that the request names resources by; `nameable` are the types of which it could have named one.

    A request that names nothing, and could, is about everything of those types.
    """
    by_arn = [arn for arn in arns if action.target_of(arn)]
    if by_arn:
        return [on(action, arn, context) for arn in by_arn]
    wanted = [target for target in action.targets if target.required or is_named(target.type, values)]
    wanted = wanted or [target for target in action.targets if nameable(target.type)]
    found = [on(action, arn, context) for target in wanted for arn in _arns(target, place, values)]
    return found or [Demand(str(action), "*", context)]


def on(action: Action, arn: str, context: Context) -> Demand:
    """On the one resource with that ARN, with its tags, where there is one."""
    return Demand(str(action), *_found(arn, context))


def is_named(resource_type: ResourceType, values: Values) -> bool:
    """By every placeholder that a request can know; the last one, before a generated one, has to be the type's own."""
    known = knowable(resource_type)
    if not known or not all(values(resource_type, name) for name in known):
        return False
    return len(known) == len(resource_type.placeholders) or normal(known[-1]).startswith(normal(resource_type.name))


def knowable(resource_type: ResourceType) -> list[str]:
    return [name for name in resource_type.placeholders if name not in GENERATED]


def normal(name: str) -> str:
    """Without what differs between services' spellings of one name."""
    return name.replace("-", "").replace("_", "").lower()


def _arns(target: Target, place: Place, values: Values) -> Iterator[str]:
    names = ("Account", *target.type.placeholders)
    for filled in product(*(values(target.type, name) or ("",) for name in names)):
        given = dict(zip(names, filled, strict=True))
        account_id = given.pop("Account") or place.account_id
        yield target.type.arn_of(partition=place.partition, region=place.region, account_id=account_id, **given)


def _found(arn: str, context: Context) -> tuple[str, Context]:
    found = existing.resource(arn)
    if found is None:
        return arn, context
    return found.arn, {**{f"aws:ResourceTag/{key}": value for key, value in found.tags.items()}, **context}
