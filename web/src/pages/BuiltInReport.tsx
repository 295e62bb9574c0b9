import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ChevronLeft, Mail } from "lucide-react";
import { useApi } from "../api/client";
import { at, BUILT_INS, builtInOf, LASTS } from "../api/reports";
import { useTexts } from "../i18n";
import { Panel } from "../panels/Panel";
import { ReportFiles } from "../panels/ReportFiles";
import { ReportSections } from "../panels/ReportSections";
import { useAsk } from "../state/ask";
import { oneOf } from "../state/asked";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { Select } from "../ui/form";
import "../ui/reports.css";

/** A built-in report as of now: nothing of it is kept. */
export default function BuiltInReport() {
  const { t, chosen } = useTexts();
  const { slug } = useParams({ strict: false }) as { slug: string };
  const known = BUILT_INS.find((one) => one === slug);
  const { project, timezone } = useScope();
  const writes = useMay()("reports.write");
  const [{ last }, change] = useAsk((asked) => ({ last: oneOf(["", ...LASTS], asked.last, "") }));
  const wanted = { last: slug === "overview" ? "" : last, timezone, language: chosen };
  const query = useQuery({ ...builtInOf(useApi(), project, slug, wanted), enabled: known !== undefined });
  return (
    <>
      <p className="back">
        <Link to="/p/$project/reports" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("reports.nav.reports")}
        </Link>
      </p>
      <div className="controls">
        <div>
          <h1>{query.data?.name ?? t("reports.one")}</h1>
          {query.data ? <p className="faint">{query.data.days}</p> : null}
        </div>
        {known ? (
          <div className="control-row">
            {known === "overview" ? null : (
              <Select
                label={t("reports.last")}
                value={last}
                onChange={(event) => change({ last: event.target.value as typeof last })}
                options={[
                  { value: "", text: t(known === "retention" ? "reports.lasts.12w" : "reports.lasts.30d") },
                  ...LASTS.filter((one) => one !== (known === "retention" ? "12w" : "30d")).map((value) => ({
                    value,
                    text: t(`reports.lasts.${value}`),
                  })),
                ]}
              />
            )}
            <ReportFiles name={known} file={(format) => ({ path: at(known), query: { ...wanted, format } })} />
            {writes ? (
              <Link
                to="/p/$project/reports/new"
                params={{ project }}
                search={
                  ((old: Record<string, unknown>) => ({
                    ...sharedOf(old as never),
                    ask: { report: known },
                  })) as never
                }
                className="button"
              >
                <Mail size={16} aria-hidden="true" />
                {t("reports.makeOf")}
              </Link>
            ) : null}
          </div>
        ) : null}
      </div>
      {known && query.data ? (
        <ReportSections result={query.data} />
      ) : known ? (
        <Panel title={t("reports.one")} query={query}>
          {() => null}
        </Panel>
      ) : (
        <p className="empty">{t("reports.builtInGone")}</p>
      )}
    </>
  );
}
