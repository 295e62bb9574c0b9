"""What mails are made of, as an API takes it: whom they may go to, and the names in their subjects."""

from typing import Annotated

import msgspec

MOST_ADDRESSES = 10

# What people call a thing, such as a rule or a report: also a line of a mail's head, so without line breaks.
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\u0000-\u001f]*$")]

# One plain address: no list, no name beside it, nothing that could end a header's line.
Address = Annotated[str, msgspec.Meta(min_length=3, max_length=320, pattern=r'^[^\s@,;<>"\\]+@[^\s@,;<>"\\]+$(?!\s)')]
Addresses = Annotated[list[Address], msgspec.Meta(max_length=MOST_ADDRESSES)]
