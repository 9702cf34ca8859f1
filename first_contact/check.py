"""A check: questions to an account, and what becomes of each."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from first_contact.contact import Contact
from first_contact.verdicts import CannotBeAsked, Refuted, Verdict


@dataclass(frozen=True)
class Question:
    """`ask` returns what was seen. Raises: Refuted, CannotBeAsked, ClientError (which refutes)."""

    item: str
    ask: Callable[[], str]


@dataclass(frozen=True)
class Check:
    """`proves` is a sentence that is true when all its questions are ticked; `items` those known beforehand."""

    name: str
    proves: str
    questions: Callable[[Contact], Iterable[Question]]
    items: tuple[str, ...] = ("",)


def verdicts(check: Check, contact: Contact) -> Iterator[Verdict]:
    """One per question; one per known item when nothing could be asked at all."""
    try:
        questions = list(check.questions(contact))
    except CannotBeAsked as why:
        yield from (Verdict(check.name, item, "cannot be asked", str(why)) for item in check.items)
        return
    except ClientError as error:
        yield from (Verdict(check.name, item, "refuted", said(error)) for item in check.items)
        return
    for question in questions:
        yield _verdict(check, question)


def _verdict(check: Check, question: Question) -> Verdict:
    try:
        return Verdict(check.name, question.item, "ticked", question.ask())
    except Refuted as finding:
        return Verdict(check.name, question.item, "refuted", str(finding))
    except CannotBeAsked as why:
        return Verdict(check.name, question.item, "cannot be asked", str(why))
    except ClientError as error:
        return Verdict(check.name, question.item, "refuted", said(error))


def said(error: ClientError) -> str:
    answer = error.response["Error"]
    return f"{answer['Code']}: {answer.get('Message', '')}"[:500]
