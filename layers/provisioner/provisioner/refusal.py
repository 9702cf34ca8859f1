"""A wrong request, told in one message: every wrong field, its value and what is allowed."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from provisioner.errors import ErrorReason, RequestError
from provisioner.fields import Allowed
from provisioner.given import HIDDEN, names_a_secret, shown, spoken
from provisioner.request import NETWORK_FORMS, Request, network_form

# A failure's event has 8,000 characters of it, which as JSON fit a Fail state's cause, 32,768, whatever they are.
_LINES_CHARACTERS: Final = 5_500
_NAMES_CHARACTERS: Final = 1_500
# What a mistyped name is like is told by its beginning; a name may be as long as an input.
_NAME_CHARACTERS: Final = 100

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One wrong field. `value` is its text, already cut, or None where a required field is missing."""

    path: Path
    value: str | None
    allowed: str

    def line(self, origin: str | None) -> str:
        what = "is missing" if self.value is None else f"is {self._fit_value}"
        given_by = f" (from {origin})" if origin else ""
        return f"{self.where} {what}{given_by}; allowed: {self.allowed}"

    @property
    def where(self) -> str:
        return spoken(self.path) or "the request"

    @property
    def _fit_value(self) -> str:
        return repr(HIDDEN) if any(map(names_a_secret, self.path)) else str(self.value)


def refusal(problems: Sequence[Problem], origin_of: Callable[[Path], str | None] = lambda _: None) -> RequestError:
    """The error that lists `problems`; `origin_of` says which defaults a field's value came from, if any.

    Rubbish has more wrong fields than there is room for: the later ones are named only, and the last ones counted.
    """
    lines = _within(_LINES_CHARACTERS, (problem.line(origin_of(problem.path)) for problem in problems)) or [
        problems[0].line(origin_of(problems[0].path))
    ]
    names = _within(_NAMES_CHARACTERS, (problem.where for problem in problems[len(lines) :]))
    if names:
        left_out = len(problems) - len(lines) - len(names)
        lines.append(f"also wrong: {', '.join(names)}" + (f" and {left_out} more" if left_out else ""))
    count = "1 wrong field" if len(problems) == 1 else f"{len(problems)} wrong fields"
    subject = "".join([count, *(f"\n- {line}" for line in lines), "\n"])
    return RequestError(
        ErrorReason.INVALID_REQUEST, subject, remedy="nothing was created; correct this and start again"
    )


def _within(characters: int, texts: Iterable[str]) -> list[str]:
    """The first of them that are together no longer."""
    found: list[str] = []
    for text in texts:
        characters -= len(text) + len(", ")
        if characters < 0:
            break
        found.append(text)
    return found


def problems_of(details: Iterable[ErrorDetails], model: type[BaseModel] = Request) -> list[Problem]:
    """pydantic's error details, of an input that should have been a `model`, in this project's words."""
    return [_problem(detail, model) for detail in details]


def _problem(detail: ErrorDetails, model: type[BaseModel]) -> Problem:
    path = _field_path(detail["loc"])
    value = shown(detail["input"])
    match detail["type"]:
        case "missing":
            return Problem(path, None, _description(path, model))
        case "extra_forbidden":
            return Problem(path, value, _nearest_fields(path, detail["loc"], model))
        case "model_type" | "model_attributes_type":
            return Problem(path, value, f"an object with any of {_names(_model_at(detail['loc'], model))}")
        case _:
            return Problem(path, value, detail["msg"].removeprefix("Input should be "))


def _field_path(loc: Path) -> Path:
    """pydantic's location without the parts it adds itself: the form of a network, the mark of a dict's key."""
    without_form = loc[:1] + loc[2:] if loc[:1] == ("network",) and len(loc) > 1 and loc[1] in NETWORK_FORMS else loc
    return without_form[:-1] if without_form[-1:] == ("[key]",) else without_form


def _model_at(loc: Path, root: type[BaseModel]) -> type[BaseModel]:
    """The model that describes the object at `loc`."""
    if loc[:1] == ("network",) and len(loc) > 1:
        return NETWORK_FORMS[str(loc[1])]
    model = root
    for name in loc:
        if isinstance(name, int):  # an item is of the model that its list is of
            continue
        annotation = model.model_fields[name].annotation
        model = next(
            candidate
            for candidate in (annotation, *get_args(annotation))
            if isinstance(candidate, type) and issubclass(candidate, BaseModel)
        )
    return model


def _names(model: type[BaseModel]) -> str:
    return ", ".join(model.model_fields)


def _description(path: Path, root: type[BaseModel]) -> str:
    """What a missing field would have to be."""
    loc = ("network", network_form({path[-1]: None}), *path[1:]) if path[0] == "network" else path
    field = _model_at(loc[:-1], root).model_fields[str(loc[-1])]
    described = (metadata.description for metadata in field.metadata if isinstance(metadata, Allowed))
    return field.description or next(described)


def _nearest_fields(path: Path, loc: Path, root: type[BaseModel]) -> str:
    name = str(path[-1])
    model = _model_at(loc[:-1], root)
    forms: Mapping[str, type[BaseModel]] = NETWORK_FORMS
    if path[0] == "network" and any(name in form.model_fields for form in forms.values()):
        created, existing = map(_names, forms.values())
        return f"either a created network ({created}) or an existing one ({existing}), not both"
    close = difflib.get_close_matches(name[:_NAME_CHARACTERS], model.model_fields, n=1)
    return f"only {_names(model)}" + (f"; did you mean {close[0]}?" if close else "")
