"""The addresses of organisations, of who belongs to them, and of the record of what they did."""

from functions.workspace import audit_log, invitations, members, organisations, users
from functions.workspace.address import Address
from functions.workspace.shapes import Listed, PageQuery, RoleWanted

_ORGANISATIONS = "/api/v1/organisations"
_ORGANISATION = _ORGANISATIONS + "/{organisation_id}"
_MEMBER = _ORGANISATION + "/members/{user_id}"
_INVITATIONS = _ORGANISATION + "/invitations"
_INVITATION = _INVITATIONS + "/{invitation_id}"
_USERS = "/api/v1/users"
_AUDIT = "/api/v1/audit"

ADDRESSES: tuple[Address, ...] = (
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
        "DELETE",
        _USERS + "/{user_id}/sessions",
        users.end_sessions,
        "Sign somebody out everywhere",
        users.SessionsEnded,
    ),
    Address(
        "DELETE",
        _USERS + "/{user_id}/second-factor",
        users.reset_second_factor,
        "End the second factor of somebody who lost it, and their sessions",
        users.User,
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
