import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useEffect } from "react";
import { useApi } from "../api/client";
import { sharedDashboard, sharedWidget } from "../api/shared";
import { useTexts } from "../i18n";
import { formatAgo } from "../i18n/format";
import { sentenceOf } from "../panels/Panel";
import { WidgetGrid } from "../panels/WidgetGrid";
import { WidgetView } from "../panels/WidgetView";
import { useNow } from "../state/now";
import { Logo } from "../ui/Logo";

/** A dashboard behind a link: what somebody shared of it, for whoever has the link, and nothing to change. */
export default function Shared() {
  const { t, language } = useTexts();
  const { token } = useParams({ from: "/shared/$token" });
  const api = useApi();
  const { data, error } = useQuery(sharedDashboard(api, token));
  const now = useNow(60_000);
  useEffect(() => {
    if (data) document.title = `${data.name} – Sluice`;
  }, [data]);
  return (
    <main className="shared" id="content">
      <header className="shared-head">
        <span className="brand">
          <Logo />
          <span>Sluice</span>
        </span>
        {data ? (
          <span className="faint">{t("shared.changed", { ago: formatAgo(data.updated_at, now, language) })}</span>
        ) : null}
      </header>
      {error && !data ? (
        <div className="blank" role="alert">
          <h1>{t("shared.closed")}</h1>
          <p>{sentenceOf(error, t)}</p>
        </div>
      ) : data ? (
        <>
          <div className="controls">
            <h1>
              <bdi>{data.name}</bdi>
            </h1>
          </div>
          {data.description ? <p className="about">{data.description}</p> : null}
          {data.widgets.length ? (
            <WidgetGrid layout={data.layout} widgets={data.widgets}>
              {(widget) => <WidgetView widget={widget} ask={() => sharedWidget(api, token, widget) as never} />}
            </WidgetGrid>
          ) : (
            <p className="empty">{t("shared.nothing")}</p>
          )}
        </>
      ) : (
        <div className="blank" role="status" aria-label={t("panel.loading")} />
      )}
    </main>
  );
}
