"""auth: accounts, sign-in, sessions and the tokens every other function checks by itself."""

from typing import TYPE_CHECKING

from functions.auth.ports import opens
from shared.web import web_function

if TYPE_CHECKING:
    from fastapi import FastAPI


def _build() -> "FastAPI":
    from functions.auth.app import build

    return build()


main = web_function("auth", opens, _build)
