"""What several checks need to know of where they are."""

from first_contact.contact import Contact
from first_contact.intrinsics import Surroundings


def surroundings(contact: Contact) -> Surroundings:
    return Surroundings(contact.partition, contact.region, contact.account_id, contact.stack)


def filled_in(text: str, contact: Contact) -> str:
    """A recording, for this account: <account>, <region>, <partition> and <stack> stand for what differs."""
    named = {
        "<account>": contact.account_id,
        "<region>": contact.region,
        "<partition>": contact.partition,
        "<stack>": contact.stack,
    }
    for placeholder, value in named.items():
        text = text.replace(placeholder, value)
    return text
