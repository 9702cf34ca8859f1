"""What an endpoint that is not trusted presents, so that a person can tell who answers there."""

import ssl
from contextlib import suppress
from typing import Any, Final

import urllib3

_NO_CHECK_TIME: Final = 0x200000  # X509_V_FLAG_NO_CHECK_TIME; ssl has no name for it
_SECONDS: Final = 5


def presented_certificate(pool: urllib3.PoolManager, endpoint: str) -> str | None:
    """ "CN=… issued by CN=…, valid until …"; None when it cannot be had. Nothing is sent to whom is not trusted.

    Asked twice, on the client's own way to the endpoint: Python reads to us only a certificate that is verified, so
    the one that was presented is verified against itself.
    """
    presented = _seen_by(_Look.at_anything(), pool, endpoint)
    read = _seen_by(_Look.at_exactly(presented), pool, endpoint) if presented else None
    if not read:
        return None
    return f"{_name(read['subject'])} issued by {_name(read['issuer'])}, valid until {read['notAfter']}"


def authority_name(ca_pem: str) -> str:
    """ "CN=…" of a CA's certificate."""
    (authority, *_) = ssl.create_default_context(cadata=ca_pem).get_ca_certs()
    return _name(authority["subject"])


class _Look(ssl.SSLContext):
    """Hangs up as soon as it has seen what the other side presents."""

    seen: Any = None

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        with super().wrap_socket(*arguments, **options) as connection:
            self.seen = connection.getpeercert(binary_form=self.verify_mode == ssl.CERT_NONE)
        raise ConnectionAbortedError("seen")

    @classmethod
    def at_anything(cls) -> "_Look":
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    @classmethod
    def at_exactly(cls, certificate: bytes) -> "_Look":
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(cadata=certificate)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
        return context


def _seen_by(look: _Look, pool: urllib3.PoolManager, endpoint: str) -> Any:
    way = {"ssl_context": look, "cert_reqs": look.verify_mode}
    with suppress(urllib3.exceptions.HTTPError):
        pool.connection_from_url(endpoint, pool_kwargs=way).urlopen("GET", "/", retries=False, timeout=_SECONDS)
    return look.seen


def _name(parts: Any) -> str:
    return ", ".join(f"{'CN' if key == 'commonName' else key}={value}" for part in parts for key, value in part)
