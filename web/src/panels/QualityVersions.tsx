import { useQuery } from "@tanstack/react-query";
import { useApi } from "../api/client";
import { versionsOf } from "../api/quality";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { useScope } from "../state/scope";
import { ListTable } from "./ListTable";
import { Panel } from "./Panel";

/** The versions of a schema, the newest first; each can be put into the editor again. */
export function QualityVersions({ id, choose }: { id: string; choose: (text: string) => void }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const query = useQuery(versionsOf(useApi(), project, id));
  return (
    <Panel title={t("quality.plan.versions")} query={query} className="short">
      {({ items }) => (
        <ListTable
          caption={t("quality.plan.versions")}
          className="versions-table"
          rows={items}
          rowKey={(one) => String(one.version)}
          columns={[
            {
              name: t("quality.plan.version"),
              cell: (one) => (
                <>
                  {t("quality.plan.versionOf", { version: one.version })}
                  <span className="under">{one.note}</span>
                </>
              ),
            },
            {
              name: t("quality.plan.use"),
              kind: "bare",
              cell: (one) => (
                <button
                  type="button"
                  className="link"
                  aria-label={`${t("quality.plan.use")}: ${one.version}`}
                  onClick={() => choose(JSON.stringify(one.schema, null, 2))}
                >
                  {t("quality.plan.use")}
                </button>
              ),
            },
            {
              name: t("quality.plan.changed"),
              kind: "narrow",
              cell: (one) => (
                <time dateTime={one.created_at}>{formatMoment(one.created_at, timezone, language, true)}</time>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}
