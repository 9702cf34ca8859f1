"""AWS errors as moto serialises them: by code, with the members the service model gives that error."""

from moto.core.exceptions import ServiceException


class Refusal(ServiceException):
    """Of our own module, because moto looks for the service model by the module of the exception."""

    @property
    def ErrorCode(self) -> str:  # noqa: N802 - the member that EFS's errors require
        return self.code


def refusal(code: str, message: str, **members: str) -> Refusal:
    """An AWS error to raise from a response method; the HTTP status comes from the service model."""
    error = Refusal(code, message)
    for name, value in members.items():
        setattr(error, name, value)
    return error
