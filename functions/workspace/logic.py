"""The addresses of the workspace: one table, of which the application, the wiring and the documentation are made."""

from typing import Any

from functions.workspace import (
    annotations,
    dashboards,
    definitions,
    inbox,
    jobs,
    keys,
    limits,
    overview,
    people,
    projects,
    saved,
    shares,
    system,
)
from functions.workspace.address import DASHBOARD as _DASHBOARD
from functions.workspace.address import DEFINITION as _DEFINITION
from functions.workspace.address import Address
from functions.workspace.shapes import Listed, PageQuery

_PROJECTS = "/api/v1/projects"
_PROJECT = _PROJECTS + "/{project_id}"
_KEY = _PROJECT + "/keys/{key_id}"
_DEFINITIONS = "/api/v1/definitions"
_DASHBOARDS = "/api/v1/dashboards"
_OVERVIEW = "/api/v1/dashboard"
_ANNOTATIONS = "/api/v1/annotations"
_ANNOTATION = _ANNOTATIONS + "/{annotation_id}"
_SHARES = "/api/v1/shares"
_SHARED = "/api/v1/shared/{token}"

_PROJECT_SETTINGS = (
    Address(
        "GET",
        _PROJECTS,
        projects.list_mine,
        "The projects open to you",
        Listed[projects.Project],
        query=projects.ProjectsQuery,
    ),
    Address(
        "POST",
        _PROJECTS,
        projects.create,
        "Make a project; its first keys are shown this once",
        projects.NewProject,
        201,
        projects.ProjectWanted,
    ),
    Address("GET", _PROJECT, projects.show, "One project and its settings", projects.Project),
    Address(
        "PATCH", _PROJECT, projects.change, "Change a project's settings", projects.Project, body=projects.ProjectChange
    ),
    Address(
        "DELETE",
        _PROJECT,
        projects.remove,
        "Delete a project, whose name is given to confirm it",
        projects.Project,
        body=projects.Confirmation,
    ),
    Address(
        "POST",
        _PROJECT + "/restore",
        projects.restore,
        "Bring a deleted project back, without its keys",
        projects.Project,
    ),
    Address(
        "GET",
        _PROJECT + "/limits",
        limits.show,
        "How much it may send and ask, and has sent today",
        limits.LimitsAnswer,
    ),
    Address("GET", _PROJECT + "/keys", keys.list_all, "Its API keys", Listed[keys.ApiKey], query=PageQuery),
    Address(
        "POST",
        _PROJECT + "/keys",
        keys.create,
        "Make an API key; it is shown this once",
        keys.NewKey,
        201,
        keys.KeyWanted,
    ),
    Address("GET", _KEY, keys.show, "One API key", keys.ApiKey),
    Address("PATCH", _KEY, keys.change, "Give an API key another name or end", keys.ApiKey, body=keys.KeyChange),
    Address(
        "POST",
        _KEY + "/rotate",
        keys.rotate,
        "Replace an API key; both are taken for a while",
        keys.NewKey,
        201,
        keys.Rotation,
    ),
    Address("DELETE", _KEY, keys.revoke, "Revoke an API key", keys.ApiKey),
)

_INSTANCE = (
    Address(
        "GET",
        _OVERVIEW,
        overview.show,
        "The panels of the Overview, each with its answer or its problem",
        overview.OverviewAnswer,
        query=overview.OverviewQuery,
    ),
    Address(
        "GET",
        "/dashboard/",
        overview.show,
        "The panels of the Overview, for older clients",
        overview.OverviewAnswer,
        query=overview.OverviewQuery,
        alias_of=_OVERVIEW,
    ),
    Address(
        "GET",
        "/api/v1/inbox",
        inbox.show,
        "What happened to you and your projects",
        inbox.Inbox,
        query=inbox.InboxQuery,
    ),
    Address("POST", "/api/v1/inbox/read", inbox.read, "Note what was read", inbox.Unread, body=inbox.ReadWanted),
    Address("GET", "/api/v1/system", system.show, "How the engines and the functions behind them are", system.System),
    Address(
        "GET",
        "/api/v1/jobs",
        jobs.list_all,
        "The jobs of a project of every kind, the newest first",
        Listed[jobs.JobRow],
        query=jobs.AllJobsQuery,
    ),
)

_SAVED = (
    Address(
        "GET",
        _DEFINITIONS,
        definitions.list_all,
        "The saved queries of a project",
        Listed[definitions.Definition],
        query=definitions.DefinitionsQuery,
    ),
    Address(
        "POST",
        _DEFINITIONS,
        definitions.create,
        "Save a query",
        definitions.Definition,
        201,
        definitions.DefinitionWanted,
    ),
    Address("GET", _DEFINITION, definitions.show, "One saved query", definitions.Definition),
    Address(
        "PUT",
        _DEFINITION,
        definitions.replace,
        "Save it anew; If-Match names the version that is changed",
        definitions.Definition,
        body=definitions.DefinitionWanted,
    ),
    Address("DELETE", _DEFINITION, definitions.remove, "Remove it; If-Match names the version", status=204),
    Address(
        "GET",
        _DEFINITION + "/versions",
        definitions.versions,
        "What it was before",
        Listed[saved.Version],
        query=saved.VersionsQuery,
    ),
    Address(
        "POST",
        _DEFINITION + "/restore",
        definitions.restore,
        "Save an older version as the newest",
        definitions.Definition,
        body=saved.Restoration,
    ),
    Address(
        "POST",
        "/create_resource/",
        definitions.create,
        "Save a query",
        definitions.Definition,
        201,
        definitions.DefinitionWanted,
        alias_of=_DEFINITIONS,
    ),
    Address(
        "GET",
        "/get_resource/",
        definitions.resource,
        "One saved query by its `id`, or a page of them",
        Listed[definitions.Definition],
        query=definitions.DefinitionsQuery,
        alias_of=_DEFINITIONS,
    ),
    Address(
        "GET",
        _DASHBOARDS,
        dashboards.list_all,
        "The dashboards of a project",
        Listed[dashboards.Dashboard],
        query=dashboards.DashboardsQuery,
    ),
    Address(
        "POST",
        _DASHBOARDS,
        dashboards.create,
        "Save a dashboard",
        dashboards.Dashboard,
        201,
        dashboards.DashboardWanted,
    ),
    Address("GET", _DASHBOARD, dashboards.show, "One dashboard", dashboards.Dashboard),
    Address(
        "PUT",
        _DASHBOARD,
        dashboards.replace,
        "Save it anew; If-Match names the version that is changed",
        dashboards.Dashboard,
        body=dashboards.DashboardWanted,
    ),
    Address(
        "DELETE", _DASHBOARD, dashboards.remove, "Remove it and its shares; If-Match names the version", status=204
    ),
    Address(
        "GET",
        _DASHBOARD + "/versions",
        dashboards.versions,
        "What it was before",
        Listed[saved.Version],
        query=saved.VersionsQuery,
    ),
    Address(
        "POST",
        _DASHBOARD + "/restore",
        dashboards.restore,
        "Save an older version as the newest",
        dashboards.Dashboard,
        body=saved.Restoration,
    ),
    Address(
        "GET",
        _SHARES,
        shares.list_all,
        "The shares of a project's dashboards",
        Listed[shares.Share],
        query=shares.SharesQuery,
    ),
    Address("POST", _SHARES, shares.create, "Share a dashboard by a link", shares.NewShare, 201, shares.ShareWanted),
    Address("GET", _SHARES + "/{share_id}", shares.show, "One share", shares.Share),
    Address("DELETE", _SHARES + "/{share_id}", shares.revoke, "End a share", shares.Share),
    Address(
        "GET",
        _ANNOTATIONS,
        annotations.list_all,
        "The dated notes of a project",
        Listed[annotations.Annotation],
        query=annotations.AnnotationsQuery,
    ),
    Address(
        "POST",
        _ANNOTATIONS,
        annotations.create,
        "Keep a dated note",
        annotations.Annotation,
        201,
        annotations.AnnotationWanted,
    ),
    Address(
        "PATCH",
        _ANNOTATION,
        annotations.change,
        "Change a note",
        annotations.Annotation,
        body=annotations.AnnotationChange,
    ),
    Address("DELETE", _ANNOTATION, annotations.remove, "Remove a note", status=204),
    Address("GET", _SHARED, shares.look, "The dashboard behind a share's token", shares.SharedDashboard),
    Address("GET", _SHARED + "/widgets/{widget_id}", shares.ask, "What a widget of a shared dashboard shows now", Any),
)

ADDRESSES: tuple[Address, ...] = (*people.ADDRESSES, *_PROJECT_SETTINGS, *_INSTANCE, *_SAVED)
