"""What export offers over HTTP, for the OpenAPI document."""

from functions.export.answers import JOBS, FileQuery
from functions.export.asked import ExportRequest, PageQuery
from functions.export.page import ADDRESSES
from shared.jobs import api
from shared.objects import FILES
from shared.openapi import Operation

OPERATIONS = [
    *api.operations(JOBS, "export", ExportRequest),
    *(
        Operation("GET", path, f"One page of events as {wanted}, the oldest first", query=PageQuery)
        for path, wanted in ADDRESSES.items()
    ),
    Operation("GET", FILES, "A file of an export behind its link; needs no key", query=FileQuery),
]
