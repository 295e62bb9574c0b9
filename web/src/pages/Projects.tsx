import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { me, type Organisation } from "../api/account";
import { useApi } from "../api/client";
import { deletedProjects, restoreProject } from "../api/projects";
import { useTexts } from "../i18n";
import { formatDay } from "../i18n/format";
import { EmptyOrganisations } from "../panels/AdminOrganisation";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { ProjectForm } from "../panels/ProjectForm";
import { may } from "../state/may";
import { FormError } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";

/** Every project open to whoever is signed in, by organisation, and those that were deleted lately. */
export default function Projects() {
  const { t } = useTexts();
  const navigate = useNavigate();
  const query = useQuery(me(useApi()));
  const [making, setMaking] = useState(false);
  const organisations = query.data?.organisations ?? [];
  return (
    <>
      <div className="controls">
        <h1>{t("projects.title")}</h1>
        {organisations.some(({ role }) => may(role, "project.create")) ? (
          <button type="button" className="button primary" onClick={() => setMaking(true)}>
            {t("projects.create")}
          </button>
        ) : null}
      </div>
      {organisations.length ? (
        <div className="steps wide-steps">
          {organisations.map((one) => (
            <Owned key={one.id} query={{ ...query, data: one } as never} name={one.name} />
          ))}
          {organisations.some(({ role }) => may(role, "project.delete")) ? <Deleted /> : null}
          <EmptyOrganisations organisations={organisations} />
        </div>
      ) : (
        <Owned query={query as never} name={t("projects.title")} />
      )}
      {making ? (
        <Dialog title={t("projects.create")} close={t("events.close")} onClose={() => setMaking(false)}>
          <ProjectForm onMade={(project) => navigate({ to: "/p/$project/install", params: { project } })} />
        </Dialog>
      ) : null}
    </>
  );
}

function Owned({ query, name }: { query: never; name: string }) {
  const { t } = useTexts();
  return (
    <Panel
      title={name}
      query={query}
      className="short"
      isEmpty={(one: Organisation) => !one.projects?.length}
      empty={<p className="empty">{t("projects.none")}</p>}
    >
      {({ projects }: Organisation) => (
        <ListTable
          caption={name}
          rows={projects}
          rowKey={(one) => one.id}
          columns={[
            {
              name: t("projects.name"),
              cell: (one) => (
                <Link to="/p/$project" params={{ project: one.id }} className="event-name">
                  <bdi>{one.name}</bdi>
                </Link>
              ),
            },
            { name: t("members.role"), cell: (one) => t(`roles.${one.role as "owner"}`) },
            { name: t("timezone"), kind: "wide", cell: (one) => one.timezone.replaceAll("_", " ") },
            {
              name: t("nav.settings"),
              kind: "bare",
              cell: (one) =>
                may(one.role, "project.write") ? (
                  <Link
                    to="/p/$project/settings"
                    params={{ project: one.id }}
                    aria-label={`${t("nav.settings")}: ${one.name}`}
                  >
                    {t("nav.settings")}
                  </Link>
                ) : null,
            },
          ]}
        />
      )}
    </Panel>
  );
}

/** Deleted projects wait for 30 days; there is nothing to see where none does. */
function Deleted() {
  const { t, language } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const query = useQuery(deletedProjects(api));
  const restore = useMutation({
    mutationFn: (id: string) => restoreProject(api, id),
    onSuccess: () =>
      Promise.all([["me"], ["deleted projects"]].map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
  if (!query.data?.length) return null;
  return (
    <Panel title={t("projects.deleted")} query={query} className="short">
      {(found) => (
        <>
          <FormError error={restore.error ?? undefined} />
          <ListTable
            caption={t("projects.deleted")}
            rows={found}
            rowKey={(one) => one.id}
            columns={[
              { name: t("projects.name"), cell: (one) => <bdi>{one.name}</bdi> },
              {
                name: t("projects.deletedAt"),
                cell: (one) => (one.deleted_at ? formatDay(one.deleted_at, language) : "–"),
              },
              {
                name: t("projects.restore"),
                kind: "bare",
                cell: (one) => (
                  <button
                    type="button"
                    className="link"
                    aria-label={`${t("projects.restore")}: ${one.name}`}
                    onClick={() => restore.mutate(one.id)}
                  >
                    {t("projects.restore")}
                  </button>
                ),
              },
            ]}
          />
        </>
      )}
    </Panel>
  );
}
