"""AWS errors as moto serialises them: by code, with the members the service model gives that error."""

from moto.core.exceptions import ServiceException


def refusal(code: str, message: str, **members: str) -> ServiceException:
    """An AWS error to raise from a response method; the HTTP status comes from the service model."""
    error = ServiceException(code, message)
    for name, value in members.items():
        setattr(error, name, value)
    return error
