"""What ledger_check offers over HTTP, for the OpenAPI document."""

from functions.ledger_check.answers import LEDGER
from functions.ledger_check.proof import Proof, ProofQuery
from shared.openapi import Operation

OPERATIONS = [
    Operation("GET", LEDGER, "The proof that what was accepted is stored or rejected", answer=Proof, query=ProofQuery)
]
