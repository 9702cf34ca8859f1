"""Resource quantities ("5Gi", "250m", "1e3") and their canonical form.

Source: k8s.io/apimachinery/pkg/api/resource/quantity.go.
"""

import re
from decimal import ROUND_UP, Decimal

_BINARY = {"": 0, "Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([KMGTPE]i|[numkMGTPE]?|[eE][+-]?\d+)")
QUANTITY_PATTERN = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"


def quantity_value(text: object) -> Decimal | None:
    """The number a quantity stands for; None when it is not a quantity."""
    match = _QUANTITY.fullmatch(str(text))
    if not match:
        return None
    number, suffix = Decimal(match[1]), match[2]
    if suffix in _BINARY and suffix:
        return number * Decimal(1024) ** _BINARY[suffix]
    return number.scaleb(_DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:]))


def canonical_quantity(text: object) -> str | None:
    """The form the API shows: no fraction, the largest suffix that divides. None when it is not a quantity."""
    match, value = _QUANTITY.fullmatch(str(text)), quantity_value(text)
    if match is None or value is None:
        return None
    suffix = match[2]
    if suffix.endswith("i") and (abs(value) >= 1024 or value == 0) and value == value.to_integral_value():
        name = next((one for one in reversed(_BINARY) if value % 1024 ** _BINARY[one] == 0), "") if value else ""
        return f"{int(value) // 1024 ** _BINARY[name]}{name}"
    nanos = (value.scaleb(9)).to_integral_value(rounding=ROUND_UP)
    exponents = sorted(_DECIMAL.values(), reverse=True)
    exponent = next((one for one in exponents if nanos % Decimal(10).scaleb(one + 8) == 0), -9) if nanos else 0
    digits = int(nanos.scaleb(-9 - exponent))
    if suffix[:1] in ("e", "E") and len(suffix) > 1:
        return f"{digits}e{exponent}" if exponent else str(digits)
    return f"{digits}{next(name for name, one in _DECIMAL.items() if one == exponent)}"
