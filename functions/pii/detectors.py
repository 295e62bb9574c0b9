"""What looks like personal data: by the value where its form says so, else by the name of its property.

A value that fits is likely what it looks like, not surely: card numbers have Luhn's check digit and bank accounts
ISO 7064's, phone numbers the plan of their country, but one random number in ten passes Luhn's check too.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Literal

Kind = Literal["email", "phone", "card", "iban", "ip", "name"]

_MOST_CHARACTERS = 2_000
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}")
_DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
_CARD = re.compile(r"3[47]|4|5[1-5]|2[2-7]|6(?:011|5)|35|30[0-5]|3[68]|62")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_PHONE = re.compile(r"(?<![\w.])\+\d[\d ().-]{7,20}\d(?!\w)")
_ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)(?![\w.:])")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# As the words of a property's name, one after the other.
_NAMES = (
    "email,mail,phone,mobile,telephone,password,passwd,secret,ssn,passport,iban,cvv,birthday,birthdate,dob,surname,"
    "firstname,lastname,fullname,first name,last name,full name,given name,family name,middle name,user name,username,"
    "card number,credit card,social security,tax id,date of birth,birth date,postal code,zip code,postcode,zip,street,"
    "home address,billing address,shipping address,ip address,access token,api key"
)


def of_value(text: str) -> Kind | None:
    """What a text, or a number as its digits, holds; None where nothing looks like a person's."""
    text = text[:_MOST_CHARACTERS]
    if "@" in text and _EMAIL.search(text):
        return "email"
    for kind, finds in _CHECKS:
        if finds(text):
            return kind
    return None


def of_name(path: str) -> Kind | None:
    """Whether a property is called what personal data is called, in any spelling."""
    words = " ".join(word.lower() for word in _WORDS.findall(path.rpartition(".")[2]))
    return "name" if any(f" {name} " in f" {words} " for name in _NAMES.split(",")) else None


def masked(text: str) -> str:
    """A value as it may be shown: the first and the last character of each run, stars for the rest."""
    return re.sub(r"\w+", lambda run: _hidden(run[0]), text[:80])


def _hidden(run: str) -> str:
    kept = 6  # what is shorter is easily guessed from two characters
    return "*" * len(run) if len(run) < kept else f"{run[0]}{'*' * (len(run) - 2)}{run[-1]}"


def _is_card(text: str) -> bool:
    from stdnum import luhn

    for found in _DIGITS.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        if _CARD.match(digits) and luhn.is_valid(digits):
            return True
    return False


def _is_iban(text: str) -> bool:
    from stdnum import iban

    return any(iban.is_valid(found[0]) for found in _IBAN.finditer(text))


def _is_phone(text: str) -> bool:
    """A number in the international form that its country's plan has; without the plus anything could be one."""
    import phonenumbers

    for found in _PHONE.finditer(text):
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(found[0])):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _is_address(text: str) -> bool:
    """An IP address that somebody may have at home: neither a private one nor a version number."""
    for found in _ADDRESS.finditer(text):
        try:
            if ipaddress.ip_address(found[0]).is_global:
                return True
        except ValueError:
            continue
    return False


_CHECKS: tuple[tuple[Kind, Callable[[str], bool]], ...] = (
    ("iban", _is_iban),
    ("card", _is_card),
    ("phone", _is_phone),
    ("ip", _is_address),
)
