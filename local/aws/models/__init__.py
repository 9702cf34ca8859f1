"""What botocore's models of AWS's services say, as checks of requests, answers and errors.

The models are those of the locked botocore, the very ones that clients are made from; nothing of them is repeated here.
"""

from functools import cache

import botocore.session
from botocore.model import OperationModel, ServiceModel, StructureShape


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@cache
def service_model(service: str) -> ServiceModel:
    return _session().get_service_model(service)


@cache
def operation_model(service: str, operation: str) -> OperationModel:
    """Raises: OperationNotFoundError."""
    return service_model(service).operation_model(operation)


@cache
def declared_errors(service: str, operation: str) -> dict[str, StructureShape]:
    """By code. Raises: OperationNotFoundError."""
    shapes = operation_model(service, operation).error_shapes
    return {shape.error_code: shape for shape in shapes if isinstance(shape, StructureShape)}
