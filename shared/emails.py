"""E-mail addresses of accounts: one spelling for one address, whoever typed it."""

import re
import unicodedata

MOST_CHARACTERS = 254
# One plain address in any script: no list, no name beside it, nothing that could end a header's line.
_FORM = re.compile(r'[^\s@,;<>"\\\x00-\x1f\x7f]{1,64}@[^\s@,;<>"\\\x00-\x1f\x7f]{1,252}')


def clean_email(text: str) -> str:
    """The address in composed letters and lower case, without spaces around it; raises ValueError for anything else."""
    email = unicodedata.normalize("NFC", text.strip()).lower()
    if len(email) > MOST_CHARACTERS or not _FORM.fullmatch(email):
        raise ValueError(f"it is no e-mail address of at most {MOST_CHARACTERS} characters")
    return email
