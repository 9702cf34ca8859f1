"""What names, labels and finalizers may look like.

Source: k8s.io/apimachinery/pkg/util/validation.
"""

import re

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"


def label_errors(name: str) -> list[str]:
    """RFC 1123 label: namespaces, containers, volumes."""
    problems = [] if len(name) <= 63 else ["must be no more than 63 characters"]
    if not re.fullmatch(_LABEL, name):
        problems.append(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
            "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
            f"regex used for validation is '{_LABEL}')"
        )
    return problems


def subdomain_errors(name: str) -> list[str]:
    """RFC 1123 subdomain: most objects' names."""
    problems = [] if len(name) <= 253 else ["must be no more than 253 characters"]
    if not re.fullmatch(_SUBDOMAIN, name):
        problems.append(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
            "must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
            f"'{_SUBDOMAIN}')"
        )
    return problems


def qualified_name_errors(name: str) -> list[str]:
    """Label keys, annotation keys and finalizers: an optional DNS prefix and a name."""
    prefix, slash, local = name.rpartition("/")
    problems = [f"prefix part {error}" for error in subdomain_errors(prefix)] if slash and prefix else []
    if slash and not prefix:
        problems.append("prefix part must be non-empty")
    if len(local) > 63:
        problems.append("name part must be no more than 63 characters")
    if not re.fullmatch(_QUALIFIED, local):
        problems.append(
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            f"'{_QUALIFIED}')"
        )
    return problems


def label_value_errors(value: str) -> list[str]:
    problems = [] if len(value) <= 63 else ["must be no more than 63 characters"]
    if not re.fullmatch(_VALUE, value):
        problems.append(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
            "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
            f"validation is '{_VALUE}')"
        )
    return problems
