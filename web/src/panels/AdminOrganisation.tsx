import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Organisation } from "../api/account";
import { removeOrganisation, renameOrganisation } from "../api/admin";
import { useApi } from "../api/client";
import { deletedProjects } from "../api/projects";
import { useTexts } from "../i18n";
import { may } from "../state/may";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import { Field } from "../ui/form";
import { ListTable } from "./ListTable";

/** What the organisation is called; where it can be ended stands beside. */
export function OrganisationName({ organisation }: { organisation: Organisation }) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const [saved, setSaved] = useState(false);
  const { busy, error, submit } = useSubmit(async ({ name = "" }) => {
    setSaved(false);
    await renameOrganisation(api, organisation.id, name.trim());
    await client.invalidateQueries({ queryKey: ["me"] });
    setSaved(true);
  });
  return (
    <section className="panel padded" aria-label={t("admin.organisation.title")}>
      <h2>{t("admin.organisation.title")}</h2>
      <form onSubmit={submit} onChange={() => setSaved(false)}>
        <FormError error={error} />
        <Field
          label={t("projects.name")}
          name="name"
          maxLength={200}
          defaultValue={organisation.name}
          hint={may(organisation.role, "organisation.delete") ? t("admin.organisation.endHint") : undefined}
          required
        />
        <p className="form-line">
          <button type="submit" className="button" aria-busy={busy}>
            {t("form.save")}
          </button>
          <span role="status" className="faint">
            {saved ? t("form.saved") : ""}
          </span>
        </p>
      </form>
    </section>
  );
}

/** Organisations that may be ended: those of an owner without a project, also without one deleted lately. */
export function EmptyOrganisations({ organisations }: { organisations: readonly Organisation[] }) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const empty = organisations.filter(({ projects, role }) => !projects.length && may(role, "organisation.delete"));
  const deleted = useQuery({ ...deletedProjects(api), enabled: empty.length > 0 }).data;
  const [ending, setEnding] = useState<Organisation>();
  const open = deleted ? empty.filter(({ id }) => !deleted.some((one) => one.organisation_id === id)) : [];
  if (!open.length) return null;
  return (
    <section className="panel padded" aria-label={t("admin.organisation.empty")}>
      <h2>{t("admin.organisation.empty")}</h2>
      <ListTable
        caption={t("admin.organisation.empty")}
        rows={open}
        rowKey={({ id }) => id}
        columns={[
          { name: t("projects.name"), cell: (one) => <bdi>{one.name}</bdi> },
          {
            name: t("admin.organisation.end"),
            kind: "bare",
            cell: (one) => (
              <button
                type="button"
                className="link"
                aria-label={`${t("admin.organisation.end")}: ${one.name}`}
                onClick={() => setEnding(one)}
              >
                {t("admin.organisation.end")}
              </button>
            ),
          },
        ]}
      />
      {ending ? (
        <Confirm
          title={t("admin.organisation.endTitle", { name: ending.name })}
          about={t("admin.organisation.endAbout")}
          action={t("admin.organisation.end")}
          run={async () => {
            await removeOrganisation(api, ending.id);
            await client.invalidateQueries({ queryKey: ["me"] });
          }}
          onClose={() => setEnding(undefined)}
        />
      ) : null}
    </section>
  );
}
