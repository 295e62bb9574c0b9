import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Droplets } from "lucide-react";
import { useApi } from "../api/client";
import { anyEvent, hiddenBots } from "../api/queries";
import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";
import { useScope } from "../state/scope";
import { useView } from "../state/view";

/** Nothing to show, and why: no event ever, only bots, none that passes the filters, or none in the period. */
export function Empty() {
  const { t, language } = useTexts();
  const scope = useScope();
  const { view, change } = useView();
  const api = useApi();
  const known = useQuery(anyEvent(api, scope.project));
  const bots = useQuery({ ...hiddenBots(api, scope), enabled: !view.bots }).data?.value;
  if (known.data?.items.length === 0)
    return (
      <div className="empty">
        <Droplets size={24} aria-hidden="true" />
        <p>{t("panel.empty.never")}</p>
        <Link to="/p/$project/install" params={{ project: scope.project }} className="button">
          {t("panel.empty.neverAction")}
        </Link>
      </div>
    );
  if (!view.bots && bots)
    return (
      <div className="empty">
        <p>{t("bots.hidden", { count: bots, shown: formatNumber(bots, language) })}</p>
        <button type="button" className="button" onClick={() => change({ bots: true })}>
          {t("bots.show")}
        </button>
      </div>
    );
  const filtered = Boolean(view.filters?.length || view.events?.length);
  return (
    <div className="empty">
      <p>{filtered ? t("panel.empty.filter") : t("panel.empty.range")}</p>
      <button
        type="button"
        className="button"
        onClick={() =>
          change(
            filtered
              ? { filters: undefined, events: undefined }
              : { range: "12m", from: undefined, to: undefined, interval: undefined },
          )
        }
      >
        {filtered ? t("panel.empty.filterAction") : t("panel.empty.rangeAction")}
      </button>
    </div>
  );
}
