"""Who a mail may be sent to: what an API takes for an address."""

from typing import Annotated

import msgspec

MOST_ADDRESSES = 10

# One plain address: no list, no name beside it, nothing that could end a header's line.
Address = Annotated[str, msgspec.Meta(min_length=3, max_length=320, pattern=r'^[^\s@,;<>"\\]+@[^\s@,;<>"\\]+$(?!\s)')]
Addresses = Annotated[list[Address], msgspec.Meta(max_length=MOST_ADDRESSES)]
