import "../ui/admin.css";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Ellipsis } from "lucide-react";
import { useState } from "react";
import { me } from "../api/account";
import { blockUser, endSessionsOf, resetSecondFactor, type User, usersPage } from "../api/admin";
import { useApi } from "../api/client";
import { useTexts } from "../i18n";
import { formatAgo, formatNumber } from "../i18n/format";
import { PagedPanel } from "../panels/PagedPanel";
import { SearchBox } from "../panels/SearchBox";
import { useAsk } from "../state/ask";
import { textOf } from "../state/asked";
import { useProject } from "../state/may";
import { useNow } from "../state/now";
import { Confirm } from "../ui/Confirm";
import { Menu, MenuItem } from "../ui/menu";

const DEEDS = ["block", "admit", "signOut", "factor"] as const;
type Deed = (typeof DEEDS)[number];

/** The accounts behind an organisation's members: who signs in, how, when last; and what its administrators may do. */
export default function Users() {
  const { t, language } = useTexts();
  const organisation = useProject()?.organisation_id ?? "";
  const api = useApi();
  const self = useQuery(me(api)).data?.id;
  const now = useNow(60_000);
  const [{ search }, change] = useAsk((one) => ({ search: textOf(one.search).slice(0, 200) }));
  const [doing, setDoing] = useState<{ deed: Deed; user: User }>();
  if (!organisation) return null;
  const nameOf = (one: User) => one.name || one.email;
  return (
    <>
      <div className="controls">
        <h1>{t("admin.nav.users")}</h1>
        <SearchBox label={t("admin.users.search")} value={search} onChange={(next) => change({ search: next })} />
      </div>
      <p className="about">{t("admin.users.about")}</p>
      <PagedPanel<User>
        title={t("admin.users.list")}
        queryKey={[organisation, "users", search]}
        ask={(cursor, signal) => usersPage(api, { organisation_id: organisation, search }, cursor, signal)}
        everyMs={0}
        className="short"
        tableClass="users-table"
        rowKey={({ id }) => id}
        empty={<p className="empty">{t("admin.users.none")}</p>}
        columns={[
          {
            name: t("register.name"),
            cell: (one) => (
              <>
                <span className="person">
                  <bdi className="event-name">{nameOf(one)}</bdi>
                  {one.id === self ? <span className="state">{t("members.you")}</span> : null}
                </span>
                {one.name ? <span className="under">{one.email}</span> : null}
              </>
            ),
          },
          {
            name: t("members.role"),
            kind: "wide",
            cell: (one) => {
              const role = one.memberships.find((held) => held.organisation_id === organisation)?.role;
              return role ? t(`roles.${role}`) : "–";
            },
          },
          {
            name: t("admin.users.last"),
            kind: "wide",
            cell: (one) => (one.last_sign_in_at ? formatAgo(one.last_sign_in_at, now, language) : t("apiKeys.never")),
          },
          { name: t("admin.users.sessions"), kind: "wide", cell: (one) => formatNumber(one.sessions, language) },
          {
            name: t("factor.title"),
            kind: "wide",
            cell: (one) => (one.second_factor ? t("factor.on") : t("factor.off")),
          },
          {
            name: t("apiKeys.state"),
            cell: (one) => (
              <span className={one.blocked ? "state dropped" : "state stored"}>
                {one.blocked ? t("admin.users.blocked") : t("admin.users.active")}
              </span>
            ),
          },
          {
            name: t("admin.users.actions"),
            kind: "bare",
            cell: (one) => <Deeds user={one} name={nameOf(one)} onChoose={(deed) => setDoing({ deed, user: one })} />,
          },
        ]}
      />
      {doing ? <Ask {...doing} name={nameOf(doing.user)} onClose={() => setDoing(undefined)} /> : null}
    </>
  );
}

/** Only what would be done: not to oneself, and not to who belongs elsewhere too. */
function Deeds({ user, name, onChoose }: { user: User; name: string; onChoose: (deed: Deed) => void }) {
  const { t } = useTexts();
  if (!user.manageable) return null;
  const open: Record<Deed, boolean> = {
    block: !user.blocked,
    admit: user.blocked,
    signOut: user.sessions > 0,
    factor: user.second_factor,
  };
  return (
    <Menu
      label={`${t("admin.users.actions")}: ${name}`}
      className="icon-button"
      align="end"
      trigger={<Ellipsis size={18} />}
    >
      {DEEDS.filter((deed) => open[deed]).map((deed) => (
        <MenuItem key={deed} onSelect={() => onChoose(deed)}>
          {t(`admin.users.deeds.${deed}`)}
        </MenuItem>
      ))}
    </Menu>
  );
}

function Ask({ deed, user, name, onClose }: { deed: Deed; user: User; name: string; onClose: () => void }) {
  const { t } = useTexts();
  const organisation = useProject()?.organisation_id;
  const api = useApi();
  const client = useQueryClient();
  const run: Record<Deed, () => Promise<unknown>> = {
    block: () => blockUser(api, user.id, true),
    admit: () => blockUser(api, user.id, false),
    signOut: () => endSessionsOf(api, user.id),
    factor: () => resetSecondFactor(api, user.id),
  };
  return (
    <Confirm
      title={t(`admin.users.titles.${deed}`, { name })}
      about={t(`admin.users.abouts.${deed}`)}
      action={t(`admin.users.deeds.${deed}`)}
      run={async () => {
        await run[deed]();
        await client.invalidateQueries({ queryKey: [organisation, "users"] });
      }}
      onClose={onClose}
    />
  );
}
