"""Java's regular expressions of botocore's models, in Python."""

from typing import Any

import pytest

from local.aws.models import service_model
from local.aws.models.patterns import NotTranslatedError, compiled
from tests.local.aws.models import SERVICES


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (r"[a-zA-Z][-a-zA-Z0-9]*", "my-stack", "https://my-stack"),
        (r"[^:*]*", "worker/main", "worker:main"),
        (r"\d{12}", "123456789012", "١٢٣٤٥٦٧٨٩٠١٢"),
        (r"[\w+=,.@-]+", "a-b_c", "é"),
        (r"[\w-_]*", "a-b_c", "a b"),
        (r"[\s\S]+", "{\n}\u00a0", ""),
        (r".+", "a b", "a\rb"),
        (r"[.]+", "..", "ab"),
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "Ünï 1", "a\tb"),
        (r"\p{Print}+", "a~", "é"),
        (r"\p{ASCII}*", "a", "é"),
        ("[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*", "🐟 ok", "\x00"),
        (r"a++b", "aab", "aa"),
        (r"(?i)all|[0-9]{12}", "ALL", "some"),
        (r"^(?![aA]{1}[wW]{1}[sS]{1}:)([\p{L}]+)$", "b", "aws:b"),
    ],
)
def test_a_pattern_matches_what_it_matches_in_java(pattern: str, matching: str, other: str) -> None:
    assert compiled(pattern).fullmatch(matching)
    assert not compiled(pattern).fullmatch(other)


@pytest.mark.parametrize("pattern", [r"[a-z&&[^b]]", r"[a[b]]", r"\p{IsAlphabetic}", r"\Qa\E", r"\Aa\z", "[b-a]", "("])
def test_what_cannot_be_translated_says_so(pattern: str) -> None:
    with pytest.raises(NotTranslatedError):
        compiled(pattern)


@pytest.mark.parametrize("service", SERVICES)
def test_every_pattern_of_the_services_that_the_application_uses_can_be_translated(service: str) -> None:
    model = service_model(service)
    shapes: list[Any] = [model.shape_for(name) for name in model.shape_names]
    patterns = [shape.metadata["pattern"] for shape in shapes if "pattern" in shape.metadata]
    assert all(compiled(pattern) for pattern in patterns)
