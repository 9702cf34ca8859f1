"""The authority of one cluster and what its API server presents, made anew for every cluster as EKS does.

They are as poor as EKS has made them: an authority with nothing but basic constraints, and hence servers without an
Authority Key Identifier, which Go copies from the authority's Subject Key Identifier. Python 3.13 refuses those unless
it is told not to be strict.
Source: awslabs/mcp#3791 (basic constraints alone), kubernetes-client/python#2394; Go, crypto/x509, CreateCertificate.
"""

import datetime
import ipaddress
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product, starmap
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = datetime.timedelta(days=365)
GRACE = datetime.timedelta(minutes=1)
"""A clock that is read a moment apart must not find a certificate "not yet valid"."""
HERE = ("127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
COMMON_NAME_CHARACTERS = 64
"""RFC 5280's bound; cluster names may have 100."""


@dataclass(frozen=True)
class Form:
    """Which of the extensions that RFC 5280 asks for are there; the identifier of the authority's key in both."""

    subject_key_identifier: bool = False
    authority_key_identifier: bool = False
    key_usage: bool = False


FORMS = tuple(starmap(Form, product((False, True), repeat=3)))
POOREST = FORMS[0]


@dataclass(frozen=True)
class Identity:
    """What a server presents, and the key to it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return key_pem(self.key)

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as directory:  # ssl loads keys from files only
            path = Path(directory, "server.pem")
            path.write_text(self.key_pem + self.certificate_pem)
            context.load_cert_chain(path)
        return context


@dataclass(frozen=True)
class Authority(Identity):
    form: Form

    @classmethod
    def new(cls, common_name: str = "kubernetes", form: Form = POOREST) -> "Authority":
        key, name = new_key(), _name(common_name)
        builder = _builder(name, name, key.public_key(), -GRACE, LIFETIME)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        if form.key_usage:
            builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        if form.subject_key_identifier:
            identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
            builder = builder.add_extension(identifier, critical=False)
        if form.authority_key_identifier:
            builder = builder.add_extension(_identifier_of(key), critical=False)
        return cls(builder.sign(key, hashes.SHA256()), key, form)

    def serving(
        self,
        common_name: str,
        hosts: Sequence[str] = HERE,
        *,
        begins_in: datetime.timedelta = -GRACE,
        lifetime: datetime.timedelta = LIFETIME,
    ) -> Identity:
        """For a server at these names and addresses."""
        key = new_key()
        builder = _builder(_name(common_name), self.certificate.subject, key.public_key(), begins_in, lifetime)
        builder = (
            builder.add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
        )
        if self.form.authority_key_identifier:
            builder = builder.add_extension(_identifier_of(self.key), critical=False)
        return Identity(builder.sign(self.key, hashes.SHA256()), key)


def client_context(ca_pem: str) -> ssl.SSLContext:
    """For a client that trusts this authority alone, and like kubectl takes it in every form."""
    context = ssl.create_default_context(cadata=ca_pem)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """SEC 1 form: kube-apiserver takes the public half of a service-account key from no other."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:COMMON_NAME_CHARACTERS])])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    begins_in: datetime.timedelta,
    lifetime: datetime.timedelta,
) -> x509.CertificateBuilder:
    begin = datetime.datetime.now(datetime.UTC) + begins_in
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(begin).not_valid_after(begin + lifetime)


def _identifier_of(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
