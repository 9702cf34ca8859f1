"""What an API call needs: the action of its name on what its parameters name, the tagging of what it makes, and what
the service then does with the caller's rights."""

from collections.abc import Iterator
from dataclasses import replace

from local.aws.permissions import derivation
from local.aws.permissions.calls import as_caller, names
from local.aws.permissions.demand import ApiCall, Context, Demand, request_tags
from local.aws.permissions.reference import Action, ResourceType, service


def demands_of(call: ApiCall) -> Iterator[Demand]:
    """Raises: LookupError when nobody has said what the call needs."""
    if call.name in names.WITHOUT_PERMISSION:
        return
    if call.name in names.PER_ENTRY:
        yield from names.PER_ENTRY[call.name](call)
        return
    own = names.action_of(call)
    values, nameable = names.values_in(call), names.nameable_in(call)
    context = {**request_tags(call.tags), **_given(call, own)}
    for demand in derivation.demands(own, call, values, context, arns=names.arns_in(call), nameable=nameable):
        yield demand
        yield from (replace(demand, resource=each) for each in names.also_asked(own, demand.resource))
    if call.tags and "Tagging" not in own.access_level:
        yield _tagging(call, own)
    yield from as_caller.demands(call, own)


def _given(call: ApiCall, own: Action) -> Context:
    """The service's own condition keys that have a parameter's name."""
    wanted = {
        key.split(":", 1)[1].lower(): key
        for target in [None, *own.targets]
        for key in own.keys_on(target)
        if not key.startswith("aws:")
    }
    found: dict[str, list[str]] = {}
    for name, value in call.scalars():
        if name.lower() in wanted:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            found.setdefault(wanted[name.lower()], []).append(text)
    return {key: values[0] if len(values) == 1 else tuple(values) for key, values in found.items()}


def _tagging(call: ApiCall, own: Action) -> Demand:
    """Tags at creation need the tagging action too. Source: IAM guide, "Controlling access during AWS requests"; that
    of each service, "Granting permission to tag resources during creation"."""
    actions = service(own.service).actions
    tagging = actions.get("TagResource") or actions["CreateTags"]
    made = _made(call, own)
    target = tagging.target(made.name)
    if target is None:
        raise LookupError(f"{call.name}: {tagging} does not take {made.name}")
    values = names.values_in(call)
    given = {name: found[0] for name in made.placeholders if (found := values(made, name))}
    arn = made.arn_of(partition=call.partition, region=call.region, account_id=call.account_id, **given)
    return Demand(str(tagging), arn, {**request_tags(call.tags), f"{own.service}:CreateAction": call.operation})


def _made(call: ApiCall, own: Action) -> ResourceType:
    """What the call makes has the operation's name, or the type that its tags are for."""
    specified = [each["ResourceType"] for each in call.get("TagSpecifications") or []]
    wanted = derivation.normal(specified[0] if specified else call.operation.removeprefix("Create"))
    types = service(own.service).resource_types.values()
    found = next((each for each in types if derivation.normal(each.name) == wanted), None)
    if found is None:
        raise LookupError(f"nobody has said what {call.name} tags")
    return found
