"""workspace: organisations, members, projects, keys, saved queries, dashboards, shares, and who did what."""

from functions.workspace.application import build
from functions.workspace.ports import opens
from shared.web import web_function

main = web_function("workspace", opens, build)
