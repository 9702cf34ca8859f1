"""Whom this application trusts over TLS, and when a refusal to trust is final."""

import ssl
from collections.abc import Iterator
from typing import Final

# OpenSSL's reasons when the other side speaks no TLS, or none that is safe: a proxy or firewall in the way.
_SPEAKS_OTHERWISE: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "SSLV3_ALERT_HANDSHAKE_FAILURE"}
)
_NOT_YET_VALID: Final = 9  # X509_V_ERR_CERT_NOT_YET_VALID; ssl has no name for it


def trusting(ca_pem: str) -> ssl.SSLContext:
    """A client's context that trusts this authority alone; chain, validity and host name are all verified.

    Not strict, as Python 3.13 would be: EKS has made authorities without key identifiers or key usage, which RFC 5280
    asks for, and every other client of Kubernetes takes them.
    Source: kubernetes-client/python#2394, awslabs/mcp#3791; Python 3.13, ssl.create_default_context.
    """
    context = ssl.create_default_context(cadata=ca_pem)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def distrust(error: BaseException) -> str | None:
    """Why the other side is not trusted, in OpenSSL's words; None when the connection failed in a way that may pass.

    What may pass: a handshake that was cut off, an endpoint that resets while it starts, a certificate that begins to
    be valid in a moment.
    """
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return None if each.verify_code == _NOT_YET_VALID else str(each.verify_message)
        if isinstance(each, ssl.SSLError) and each.reason in _SPEAKS_OTHERWISE:
            return f"it speaks no TLS that is accepted here ({each.reason})"
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and what was being handled when it was raised: urllib3, kubernetes and botocore wrap each other's."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__ or each.__context__
