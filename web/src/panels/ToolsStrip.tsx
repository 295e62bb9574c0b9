import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { TriangleAlert, X } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { systemNow } from "../api/tools";
import { useTexts } from "../i18n";
import { sharedOf } from "../state/search";
import { type Trouble, troublesOf } from "../state/trouble";

/** A line over the page while something is wrong; it goes by itself, or is put away until something else is. */
export function ToolsStrip({ project }: { project: string }) {
  const { t } = useTexts();
  const system = useQuery(systemNow(useApi(), project)).data;
  const [away, setAway] = useState("");
  const troubles = system ? troublesOf(system) : [];
  const named = troubles.join();
  if (!troubles.length || named === away) return null;
  const said = (one: Trouble) => t(`tools.strip.${one}`, { count: system?.freshness?.refused ?? 0 });
  const worst = troubles[0] === "gap" || troubles[0] === "degraded" ? "bad" : "";
  return (
    <div className={`strip ${worst}`} role="status">
      <TriangleAlert size={16} aria-hidden="true" />
      <p>{troubles.map(said).join(" ")}</p>
      <Link
        to={named === "refused" ? "/p/$project/rejected" : "/p/$project/system"}
        params={{ project }}
        search={sharedOf}
      >
        {t("tools.strip.more")}
      </Link>
      <button type="button" className="icon-button" aria-label={t("tools.strip.hide")} onClick={() => setAway(named)}>
        <X size={16} />
      </button>
    </div>
  );
}
