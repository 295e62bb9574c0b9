import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useApi } from "../api/client";
import { latestEvents } from "../api/queries";
import { useTexts } from "../i18n";
import { formatAgo, formatMoment } from "../i18n/format";
import { useScope } from "../state/scope";
import { Panel } from "./Panel";

export function LatestPanel() {
  const { t, language } = useTexts();
  const scope = useScope();
  const query = useQuery(latestEvents(useApi(), scope, 8));
  return (
    <Panel
      title={t("overview.latest")}
      query={query}
      className="wide"
      isEmpty={(answer) => answer.items.length === 0}
      actions={
        <Link to="/p/$project/events" params={{ project: scope.project }} search={(old) => old} className="link">
          {t("overview.allEvents")}
        </Link>
      }
    >
      {(answer) => (
        <table className="latest">
          <caption className="hidden">{t("overview.latest")}</caption>
          <thead className="hidden">
            <tr>
              <th scope="col">{t("events.event")}</th>
              <th scope="col">{t("events.who")}</th>
              <th scope="col">{t("events.page")}</th>
              <th scope="col">{t("events.time")}</th>
            </tr>
          </thead>
          <tbody>
            {answer.items.map((one) => (
              <tr key={one.event_id}>
                <th scope="row">
                  <bdi className="event-name">{one.event}</bdi>
                </th>
                <td>
                  <bdi>{one.user_id ?? one.anonymous_id ?? "–"}</bdi>
                </td>
                <td className="phone-off">
                  <bdi>{one.path ?? "–"}</bdi>
                </td>
                <td className="when">
                  <time dateTime={one.timestamp} title={formatMoment(one.timestamp, scope.timezone, language)}>
                    {formatAgo(one.timestamp, query.dataUpdatedAt, language)}
                  </time>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}
