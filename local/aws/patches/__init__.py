"""What moto lacks for running our application, one module per subject; every `install(server)` says what that is.

The patches reach into moto's private parts, so moto is pinned exactly and tests/local/aws has a canary for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.aws.patches import (
    api_destinations,
    calls,
    cloudformation,
    cloudformation_change_sets,
    cloudformation_delete_stack,
    cloudformation_deletion,
    cloudformation_iam,
    cloudformation_names,
    cloudformation_network,
    cloudformation_permissions,
    cloudformation_removal,
    cloudformation_resources,
    cloudformation_types,
    cloudformation_validation,
    dynamodb,
    events,
    iam_quotas,
    iteration,
    jsonata,
    key_signing,
    keys,
    lambda_,
    linked_roles,
    metrics,
    models,
    organizations,
    performance,
    permissions,
    scheduler,
    service_quotas,
    simulator,
    sns,
    stack_sets,
    stepfunctions,
    stepfunctions_api,
    stepfunctions_choice,
    stepfunctions_cloudformation,
    stepfunctions_definition,
    stepfunctions_jobs,
    stepfunctions_map,
    stepfunctions_permissions,
    stepfunctions_redrive,
    stepfunctions_sdk,
    stepfunctions_test_state,
    tagging,
    template_form,
)

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install_all(server: AwsServer) -> None:
    iteration.install(server)
    performance.install(server)
    calls.install(server)
    tagging.install(server)
    models.install(server.broken)
    permissions.install(server)
    stepfunctions.install(server)
    jsonata.install(server)
    stepfunctions_choice.install(server)
    stepfunctions_sdk.install(server)
    stepfunctions_definition.install(server)
    stepfunctions_jobs.install(server)
    stepfunctions_map.install(server)
    stepfunctions_api.install(server)
    stepfunctions_redrive.install(server)
    stepfunctions_test_state.install(server)
    stepfunctions_cloudformation.install(server)
    stepfunctions_permissions.install(server)
    lambda_.install(server)
    events.install(server)
    api_destinations.install(server)
    keys.install(server)
    dynamodb.install(server)
    key_signing.install(server)
    metrics.install(server)
    scheduler.install(server)
    organizations.install(server)
    service_quotas.install(server)
    simulator.install(server)
    sns.install(server)
    stack_sets.install(server)
    cloudformation_resources.install(server)
    cloudformation_names.install(server)
    cloudformation_deletion.install(server)
    cloudformation_change_sets.install(server)
    cloudformation_network.install(server)
    iam_quotas.install(server)
    linked_roles.install(server)
    cloudformation_iam.install(server)
    cloudformation_permissions.install(server)
    cloudformation_delete_stack.install(server)
    cloudformation_removal.install(server)
    cloudformation_types.install(server)
    template_form.install(server)
    cloudformation.install(server)
    cloudformation_validation.install(server)
