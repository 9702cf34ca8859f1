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
    what = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
    what += "end with an alphanumeric character (e.g. 'my-name',  or '123-abc'"
    return _errors(name, 63, _LABEL, what)


def subdomain_errors(name: str) -> list[str]:
    """RFC 1123 subdomain: most objects' names."""
    what = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    what += "start and end with an alphanumeric character (e.g. 'example.com'"
    return _errors(name, 253, _SUBDOMAIN, what)


def qualified_name_errors(name: str) -> list[str]:
    """Label keys, annotation keys and finalizers: an optional DNS prefix and a name."""
    prefix, slash, local = name.rpartition("/")
    problems = [f"prefix part {error}" for error in subdomain_errors(prefix)] if slash and prefix else []
    if slash and not prefix:
        problems.append("prefix part must be non-empty")
    what = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    what += "character (e.g. 'MyName',  or 'my.name',  or '123-abc'"
    return problems + [f"name part {error}" for error in _errors(local, 63, _QUALIFIED, what)]


def label_value_errors(value: str) -> list[str]:
    what = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    what += "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345'"
    return _errors(value, 63, _VALUE, what)


def _errors(text: str, longest: int, pattern: str, what: str) -> list[str]:
    problems = [] if len(text) <= longest else [f"must be no more than {longest} characters"]
    if not re.fullmatch(pattern, text):
        problems.append(f"{what}, regex used for validation is '{pattern}')")
    return problems
