"""The addresses of the workspace: one table, of which the application, the wiring and the documentation are made."""

from typing import Any

from functions.workspace import (
    annotations,
    audit_log,
    dashboards,
    definitions,
    invitations,
    keys,
    members,
    organisations,
    overview,
    projects,
    saved,
    shares,
    system,
    users,
)
from functions.workspace.address import DASHBOARD as _DASHBOARD
from functions.workspace.address import DEFINITION as _DEFINITION
from functions.workspace.address import Address
from functions.workspace.shapes import Listed, PageQuery, RoleWanted

_ORGANISATIONS = "/api/v1/organisations"
_ORGANISATION = _ORGANISATIONS + "/{organisation_id}"
_MEMBER = _ORGANISATION + "/members/{user_id}"
_INVITATIONS = _ORGANISATION + "/invitations"
_INVITATION = _INVITATIONS + "/{invitation_id}"
_PROJECTS = "/api/v1/projects"
_PROJECT = _PROJECTS + "/{project_id}"
_KEY = _PROJECT + "/keys/{key_id}"
_USERS = "/api/v1/users"
_DEFINITIONS = "/api/v1/definitions"
_DASHBOARDS = "/api/v1/dashboards"
_OVERVIEW = "/api/v1/dashboard"
_ANNOTATIONS = "/api/v1/annotations"
_ANNOTATION = _ANNOTATIONS + "/{annotation_id}"
_SHARES = "/api/v1/shares"
_SHARED = "/api/v1/shared/{token}"
_AUDIT = "/api/v1/audit"

_PEOPLE = (
    Address(
        "GET",
        _ORGANISATIONS,
        organisations.list_mine,
        "The organisations you are a member of",
        Listed[organisations.Organisation],
        query=PageQuery,
    ),
    Address(
        "POST",
        _ORGANISATIONS,
        organisations.create,
        "Make an organisation, as its owner",
        organisations.Organisation,
        201,
        organisations.OrganisationWanted,
    ),
    Address("GET", _ORGANISATION, organisations.show, "One organisation", organisations.Organisation),
    Address(
        "PATCH",
        _ORGANISATION,
        organisations.rename,
        "Rename an organisation",
        organisations.Organisation,
        body=organisations.OrganisationWanted,
    ),
    Address("DELETE", _ORGANISATION, organisations.remove, "End an organisation without projects", status=204),
    Address(
        "GET",
        _ORGANISATION + "/members",
        members.list_all,
        "Its members and their roles",
        Listed[members.Member],
        query=PageQuery,
    ),
    Address("PATCH", _MEMBER, members.change, "Give a member another role", members.Member, body=RoleWanted),
    Address("DELETE", _MEMBER, members.remove, "Take a member out, or leave", status=204),
    Address(
        "GET", _INVITATIONS, invitations.list_all, "Its invitations", Listed[invitations.Invitation], query=PageQuery
    ),
    Address(
        "POST",
        _INVITATIONS,
        invitations.create,
        "Invite somebody by mail",
        invitations.SentInvitation,
        201,
        invitations.InvitationWanted,
    ),
    Address(
        "POST",
        _INVITATION + "/resend",
        invitations.resend,
        "Mail a new link; the old one ends",
        invitations.SentInvitation,
        body=invitations.Renewal,
    ),
    Address("DELETE", _INVITATION, invitations.revoke, "End an invitation", invitations.Invitation),
    Address(
        "POST",
        "/api/v1/invitations/show",
        invitations.show,
        "What an invitation offers, by its token",
        invitations.Offer,
        body=invitations.TokenGiven,
    ),
    Address(
        "POST",
        "/api/v1/invitations/accept",
        invitations.accept,
        "Accept an invitation, by its token",
        invitations.Accepted,
        body=invitations.TokenGiven,
    ),
    Address(
        "GET",
        _USERS,
        users.list_all,
        "The people of the organisations you administer",
        Listed[users.User],
        query=users.UsersQuery,
    ),
    Address(
        "GET",
        "/users/",
        users.list_all,
        "The people of the organisations you administer",
        Listed[users.User],
        query=users.UsersQuery,
        alias_of=_USERS,
    ),
    Address("GET", _USERS + "/{user_id}", users.show, "One of them", users.User),
    Address(
        "PATCH",
        _USERS + "/{user_id}",
        users.change,
        "Block somebody, or give them another role",
        users.User,
        body=users.UserChange,
    ),
    Address(
        "GET",
        _AUDIT,
        audit_log.list_all,
        "Who did what in an organisation, the newest first",
        Listed[audit_log.AuditEntry],
        query=audit_log.AuditQuery,
    ),
    Address(
        "GET", _AUDIT + "/export", audit_log.export, "The same as an NDJSON or CSV file", query=audit_log.AuditFileQuery
    ),
    Address(
        "GET",
        _AUDIT + "/verify",
        audit_log.check,
        "Whether the audit log is what was recorded",
        audit_log.Verification,
        query=audit_log.OrganisationNamed,
    ),
)

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
    Address("GET", "/api/v1/system", system.show, "How the engines and the functions behind them are", system.System),
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

ADDRESSES: tuple[Address, ...] = (*_PEOPLE, *_PROJECT_SETTINGS, *_INSTANCE, *_SAVED)
