import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "../api/client";
import { type NewShare, revokeShare, type Share, share, shares } from "../api/saved";
import { useTexts } from "../i18n";
import { formatAgo, formatDay } from "../i18n/format";
import { instantOf } from "../state/instant";
import { useNow } from "../state/now";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { CodeBlock } from "../ui/CodeBlock";
import { Confirm } from "../ui/Confirm";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/form";
import { ListTable } from "./ListTable";
import { Toggle } from "./Toggle";

/** The links that show a dashboard to whoever has them. */
export function Shares(props: { project: string; dashboard: string; onClose: () => void }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const { project, dashboard } = props;
  const query = useQuery(shares(api, project, dashboard));
  const [made, setMade] = useState<NewShare>();
  const [embeddable, setEmbeddable] = useState(false);
  const [ending, setEnding] = useState<Share>();
  const now = useNow(60_000);
  const refresh = () => client.invalidateQueries({ queryKey: [project, "/api/v1/shares"] });
  const { busy, error, submit } = useSubmit(async ({ name = "", until = "" }) => {
    const body = {
      dashboard_id: dashboard,
      name: name.trim() || "share",
      embeddable,
      expires_at: until ? instantOf(until, "23:59", timezone).toISOString() : null,
    };
    setMade(await share(api, project, body));
    await refresh();
  });
  if (ending)
    return (
      <Confirm
        title={t("dashboards.endTitle", { name: ending.name })}
        about={t("dashboards.endAbout")}
        action={t("apiKeys.end")}
        run={() => revokeShare(api, project, ending.id).then(refresh)}
        onClose={() => setEnding(undefined)}
      />
    );
  const rows = [...(query.data ?? [])].reverse();
  return (
    <Dialog title={t("dashboards.shares")} close={t("keys.close")} onClose={props.onClose} wide>
      {made?.link ? (
        <div className="stack">
          <p role="status">{t("dashboards.once")}</p>
          <CodeBlock code={made.link} />
          {made.embeddable ? (
            <>
              <p>{t("dashboards.embed")}</p>
              <CodeBlock
                code={`<iframe src="${made.link}" width="100%" height="800" loading="lazy" title="Sluice"></iframe>`}
              />
            </>
          ) : null}
        </div>
      ) : (
        <form onSubmit={submit} className="share-form">
          <div className="field-pair">
            <Field label={t("dashboards.shareName")} name="name" maxLength={200} required />
            <Field
              label={t("dashboards.until")}
              hint={t("dashboards.untilHint")}
              name="until"
              type="date"
              min={new Date(now).toISOString().slice(0, 10)}
            />
          </div>
          <Toggle label={t("dashboards.embeddable")} value={embeddable} onChange={setEmbeddable} />
          <p className="field-note">{t("dashboards.embeddableHint")}</p>
          <FormError error={error} />
          <button type="submit" className="button primary" aria-busy={busy}>
            {t("dashboards.makeLink")}
          </button>
        </form>
      )}
      {rows.length ? (
        <ListTable<Share>
          caption={t("dashboards.shares")}
          rows={rows}
          rowKey={({ id }) => id}
          className="share-list"
          columns={[
            {
              name: t("dashboards.shareName"),
              cell: (one) => (
                <>
                  <bdi>{one.name}</bdi> <span className="faint">{one.prefix}…</span>
                </>
              ),
            },
            {
              name: t("dashboards.used"),
              kind: "wide",
              cell: (one) => (one.last_used_at ? formatAgo(one.last_used_at, now, language) : t("apiKeys.never")),
            },
            {
              name: t("dashboards.until"),
              cell: (one) =>
                one.revoked_at
                  ? t("dashboards.ended")
                  : one.expires_at
                    ? formatDay(one.expires_at, language)
                    : t("apiKeys.forever"),
            },
            {
              name: t("apiKeys.end"),
              kind: "bare",
              cell: (one) =>
                one.revoked_at ? null : (
                  <button
                    type="button"
                    className="link"
                    aria-label={t("dashboards.endShare", { name: one.name })}
                    onClick={() => setEnding(one)}
                  >
                    {t("apiKeys.end")}
                  </button>
                ),
            },
          ]}
        />
      ) : query.data ? (
        <p className="faint">{t("dashboards.noShares")}</p>
      ) : null}
    </Dialog>
  );
}
