import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "../api/client";
import { endShare, type NewReportShare, type ReportShare, type Run, shareRun, sharesOf } from "../api/reports";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { instantOf } from "../state/instant";
import { useNow } from "../state/now";
import { useScope } from "../state/scope";
import { FormError, useSubmit } from "../ui/AccountPage";
import { CodeBlock } from "../ui/CodeBlock";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/form";
import { ListTable } from "./ListTable";

const DAY_MS = 86_400_000;

/** The links that show a run to whoever has them. */
export function ReportShares({ run, onClose }: { run: Run; onClose: () => void }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const wanted = sharesOf(api, project, run.report_id, run.id);
  const query = useQuery(wanted);
  const [made, setMade] = useState<NewReportShare>();
  const now = useNow(60_000);
  const refresh = () => client.invalidateQueries({ queryKey: wanted.queryKey });
  const { busy, error, submit } = useSubmit(async ({ until = "" }) => {
    setMade(await shareRun(api, project, run, until ? instantOf(until, "23:59", timezone).toISOString() : null));
    await refresh();
  });
  const rows = query.data?.items ?? [];
  const over = (one: ReportShare) => one.revoked_at !== null || Date.parse(one.expires_at) <= now;
  const day = (moment: number) => new Date(moment).toISOString().slice(0, 10);
  return (
    <Dialog title={t("reports.shares")} close={t("keys.close")} onClose={onClose} wide>
      <p>{t("reports.sharesAbout")}</p>
      {made ? (
        <div className="stack">
          <p role="status">{t("reports.once")}</p>
          <CodeBlock code={made.link} />
        </div>
      ) : (
        <form onSubmit={submit} className="share-form">
          <Field
            label={t("reports.until")}
            hint={t("reports.untilHint")}
            name="until"
            type="date"
            min={day(now + DAY_MS)}
            max={day(now + 365 * DAY_MS)}
          />
          <FormError error={error} />
          <button type="submit" className="button primary" aria-busy={busy}>
            {t("reports.makeLink")}
          </button>
        </form>
      )}
      {rows.length ? (
        <ListTable<ReportShare>
          caption={t("reports.shares")}
          className="share-list"
          rows={rows}
          rowKey={({ id }) => id}
          columns={[
            { name: t("reports.link"), cell: (one) => <code>{one.prefix}…</code> },
            {
              name: t("reports.until"),
              cell: (one) =>
                one.revoked_at ? t("reports.ended") : formatMoment(one.expires_at, timezone, language, true),
            },
            {
              name: t("reports.end"),
              kind: "bare",
              cell: (one) =>
                over(one) ? null : (
                  <button
                    type="button"
                    className="link"
                    aria-label={t("reports.endLink", { prefix: one.prefix })}
                    onClick={() => void endShare(api, project, run, one.id).then(refresh)}
                  >
                    {t("reports.end")}
                  </button>
                ),
            },
          ]}
        />
      ) : query.data ? (
        <p className="faint">{t("reports.noLinks")}</p>
      ) : null}
    </Dialog>
  );
}
