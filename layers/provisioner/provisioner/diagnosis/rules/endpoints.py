"""Somebody else answers in place of the cluster or of AWS, or with a certificate that is not valid: TLS refuses them.

Sources: Python, ssl.SSLCertVerificationError; OpenSSL, X509_verify_cert_error_string; EKS API, Certificate.data.
"""

from typing import Final

from provisioner.diagnosis.model import Rule, seen
from provisioner.diagnosis.probes import endpoints
from provisioner.diagnosis.rules.states import ANY, INSIDE

RULES: Final = (
    Rule(
        id="cluster-endpoint-untrusted",
        states=INSIDE,
        symptoms=(seen("UntrustedEndpoint", text=r"answers at the cluster's API endpoint is not trusted"),),
        cause="What answers at the cluster's API endpoint does not prove to be the cluster.",
        probe=endpoints.cluster,
        fix="let a proxy or firewall that intercepts TLS pass {the_endpoint} untouched, and run again; if none does, "
        "ask AWS Support about the certificate of {the_cluster}",
    ),
    Rule(
        id="aws-endpoint-untrusted",
        states=ANY,
        symptoms=(seen("UntrustedEndpoint", text=r"answers at [\w.-]+ is not trusted"),),
        cause="What answers at an endpoint of AWS does not prove to be AWS.",
        probe=endpoints.aws,
        fix="let a proxy or firewall that intercepts TLS pass {the_endpoint_of_AWS} untouched, and run again",
    ),
)
