import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { me } from "../api/account";
import { useApi } from "../api/client";
import {
  changeRole,
  type Invitation,
  invitationsOf,
  invite,
  inviteAgain,
  type Member,
  membersOf,
  removeMember,
  revokeInvitation,
  type SentInvitation,
} from "../api/people";
import { LANGUAGES, type Language, useTexts } from "../i18n";
import { formatDay } from "../i18n/format";
import { OrganisationName } from "../panels/AdminOrganisation";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { may, ROLES, type Role, useProject } from "../state/may";
import { useNew } from "../state/opened";
import { FormError, useSubmit } from "../ui/AccountPage";
import { CodeBlock } from "../ui/CodeBlock";
import { Confirm } from "../ui/Confirm";
import { Dialog } from "../ui/dialog";
import { Field, Select } from "../ui/form";

/** Who belongs to the organisation of the project, in which role, and who is invited. */
export default function Members() {
  const { t } = useTexts();
  const project = useProject();
  const user = useQuery(me(useApi())).data;
  const [inviting, setInviting] = useNew();
  const organisation = user?.organisations.find(({ id }) => id === project?.organisation_id);
  if (!organisation || !user) return null;
  const manages = may(organisation.role, "members.write");
  return (
    <>
      <div className="controls">
        <h1>{t("members.title")}</h1>
        {manages ? (
          <button type="button" className="button primary" onClick={() => setInviting(true)}>
            {t("members.invite")}
          </button>
        ) : null}
      </div>
      <p className="about">{t("members.about", { organisation: organisation.name })}</p>
      <div className="steps wide-steps">
        <People organisation={organisation.id} role={organisation.role} self={user.id} />
        {manages ? <Invitations organisation={organisation.id} role={organisation.role} /> : null}
        {may(organisation.role, "organisation.write") ? <OrganisationName organisation={organisation} /> : null}
      </div>
      {inviting ? (
        <Invite organisation={organisation.id} role={organisation.role} onClose={() => setInviting(false)} />
      ) : null}
    </>
  );
}

/** The roles somebody may give, and change: owners all, admins all but owner. */
const grantable = (role: string): Role[] => ROLES.filter((one) => one !== "owner" || may(role, "owners.write"));

interface Inside {
  organisation: string;
  role: string;
}

function People({ organisation, role, self }: Inside & { self: string }) {
  const { t, language } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const query = useQuery(membersOf(api, organisation));
  const [leaving, setLeaving] = useState<Member>();
  const refresh = () =>
    Promise.all([[organisation, "members"], ["me"]].map((queryKey) => client.invalidateQueries({ queryKey })));
  const change = useMutation({
    mutationFn: ({ user, to }: { user: string; to: Role }) => changeRole(api, organisation, user, to),
    onSettled: refresh,
  });
  const manages = may(role, "members.write");
  const owners = query.data?.filter((one) => one.role === "owner").length ?? 0;
  // The last owner can neither go nor become less.
  const bound = (one: Member) => one.role === "owner" && owners < 2;
  const changes = (one: Member) => manages && !bound(one) && grantable(role).includes(one.role as Role);
  const goes = (one: Member) => !bound(one) && (one.user_id === self || changes(one));
  const nameOf = (one: Member) => one.name || one.email;
  return (
    <>
      <Panel title={t("members.list")} query={query} className="short">
        {(members) => (
          <>
            <FormError error={change.error ?? undefined} />
            <ListTable
              caption={t("members.list")}
              rows={members}
              rowKey={(one) => one.user_id}
              columns={[
                {
                  name: t("register.name"),
                  cell: (one) => (
                    <span className="person">
                      <bdi className="event-name">{nameOf(one)}</bdi>
                      {one.user_id === self ? <span className="state">{t("members.you")}</span> : null}
                    </span>
                  ),
                },
                { name: t("signIn.email"), kind: "wide", cell: (one) => <bdi>{one.email}</bdi> },
                {
                  name: t("members.role"),
                  cell: (one) =>
                    changes(one) ? (
                      <select
                        className="small-select"
                        aria-label={`${t("members.role")}: ${nameOf(one)}`}
                        value={one.role}
                        onChange={(event) => change.mutate({ user: one.user_id, to: event.target.value as Role })}
                      >
                        {grantable(role).map((value) => (
                          <option key={value} value={value}>
                            {t(`roles.${value}`)}
                          </option>
                        ))}
                      </select>
                    ) : (
                      t(`roles.${one.role as Role}`)
                    ),
                },
                { name: t("members.joined"), kind: "wide", cell: (one) => formatDay(one.joined_at, language) },
                {
                  name: t("members.remove"),
                  kind: "bare",
                  cell: (one) => {
                    if (!goes(one)) return null;
                    const text = one.user_id === self ? t("members.leave") : t("members.remove");
                    return (
                      <button
                        type="button"
                        className="link"
                        aria-label={`${text}: ${nameOf(one)}`}
                        onClick={() => setLeaving(one)}
                      >
                        {text}
                      </button>
                    );
                  },
                },
              ]}
            />
          </>
        )}
      </Panel>
      {leaving ? (
        <Confirm
          title={
            leaving.user_id === self ? t("members.leaveTitle") : t("members.removeTitle", { name: nameOf(leaving) })
          }
          about={t("members.removeAbout")}
          action={leaving.user_id === self ? t("members.leave") : t("members.remove")}
          run={async () => {
            await removeMember(api, organisation, leaving.user_id);
            if (leaving.user_id === self) await navigate({ to: "/projects" });
            await refresh();
          }}
          onClose={() => setLeaving(undefined)}
        />
      ) : null}
    </>
  );
}

function Invitations({ organisation, role }: Inside) {
  const { t, language } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const query = useQuery(invitationsOf(api, organisation));
  const [ending, setEnding] = useState<Invitation>();
  const [sent, setSent] = useState<SentInvitation>();
  const refresh = () => client.invalidateQueries({ queryKey: [organisation, "invitations"] });
  const again = useMutation({
    mutationFn: (id: string) => inviteAgain(api, organisation, id),
    onSuccess: setSent,
    onSettled: refresh,
  });
  const open = { ...query, data: query.data?.filter(({ state }) => state === "open" || state === "expired") };
  const changes = (one: Invitation) => grantable(role).includes(one.role as Role);
  return (
    <>
      <Panel
        title={t("members.invited")}
        query={open as typeof query}
        className="short"
        isEmpty={(found) => found.length === 0}
        empty={<p className="empty">{t("members.nobody")}</p>}
      >
        {(found) => (
          <>
            <FormError error={again.error ?? undefined} />
            <ListTable
              caption={t("members.invited")}
              rows={found}
              rowKey={(one) => one.id}
              columns={[
                { name: t("signIn.email"), cell: (one) => <bdi className="event-name">{one.email}</bdi> },
                { name: t("members.role"), cell: (one) => t(`roles.${one.role as Role}`) },
                {
                  name: t("members.until"),
                  kind: "wide",
                  cell: (one) =>
                    one.state === "expired" ? (
                      <span className="state queued">{t("members.over")}</span>
                    ) : (
                      formatDay(one.expires_at, language)
                    ),
                },
                {
                  name: t("members.resend"),
                  kind: "bare",
                  cell: (one) =>
                    changes(one) ? (
                      <span className="links">
                        <button
                          type="button"
                          className="link"
                          aria-label={`${t("members.resend")}: ${one.email}`}
                          aria-busy={again.isPending}
                          onClick={() => again.mutate(one.id)}
                        >
                          {t("members.resend")}
                        </button>
                        <button
                          type="button"
                          className="link"
                          aria-label={`${t("members.revoke")}: ${one.email}`}
                          onClick={() => setEnding(one)}
                        >
                          {t("members.revoke")}
                        </button>
                      </span>
                    ) : null,
                },
              ]}
            />
          </>
        )}
      </Panel>
      {sent ? (
        <Dialog title={t("members.resend")} close={t("events.close")} onClose={() => setSent(undefined)}>
          <Sent sent={sent} />
        </Dialog>
      ) : null}
      {ending ? (
        <Confirm
          title={t("members.revokeTitle", { email: ending.email })}
          about={t("members.revokeAbout")}
          action={t("members.revoke")}
          run={async () => {
            await revokeInvitation(api, organisation, ending.id);
            await refresh();
          }}
          onClose={() => setEnding(undefined)}
        />
      ) : null}
    </>
  );
}

function Invite({ organisation, role, onClose }: Inside & { onClose: () => void }) {
  const { t, chosen } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const [sent, setSent] = useState<SentInvitation>();
  const { busy, error, submit } = useSubmit(async (values) => {
    setSent(
      await invite(api, organisation, {
        email: values.email ?? "",
        role: values.role as Role,
        language: values.language as Language,
      }),
    );
    await client.invalidateQueries({ queryKey: [organisation, "invitations"] });
  });
  return (
    <Dialog title={t("members.invite")} close={t("events.close")} onClose={onClose}>
      {sent ? (
        <Sent sent={sent} />
      ) : (
        <form onSubmit={submit}>
          <FormError error={error} />
          <Field label={t("signIn.email")} name="email" type="email" autoComplete="off" required autoFocus />
          <Select
            label={t("members.role")}
            name="role"
            defaultValue="viewer"
            options={grantable(role)
              .toReversed()
              .map((value) => ({ value, text: t(`members.roles.${value}`) }))}
          />
          <Select
            label={t("members.language")}
            name="language"
            defaultValue={chosen}
            options={(Object.keys(LANGUAGES) as Language[]).map((value) => ({ value, text: LANGUAGES[value] }))}
          />
          <button type="submit" className="button primary" aria-busy={busy}>
            {busy ? t("form.busy") : t("members.send")}
          </button>
        </form>
      )}
    </Dialog>
  );
}

function Sent({ sent }: { sent: SentInvitation }) {
  const { t } = useTexts();
  return (
    <div className="stack">
      <p className="notice" role="status">
        {sent.mailed ? t("members.mailed", { email: sent.email }) : t("members.notMailed")}
      </p>
      {sent.link ? <CodeBlock code={sent.link} /> : null}
    </div>
  );
}
