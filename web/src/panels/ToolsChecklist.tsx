import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Circle, CircleCheck, X } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { STEPS, type Step, stepsDone } from "../api/firstSteps";
import { useTexts } from "../i18n";
import { keep, kept } from "../state/kept";
import { useMay, useProject } from "../state/may";
import { NAV } from "../ui/navigation";

const PLACES: Record<Step, string> = {
  event: "install",
  source: "keys",
  colleague: "members",
  dashboard: "dashboards",
  alert: "alerts",
};
const placeOf = (step: Step) => NAV.find(({ to }) => to === `/p/$project/${PLACES[step]}`)?.to;
const NEEDS = {
  event: undefined,
  source: "keys.read",
  colleague: "members.write",
  dashboard: "dashboards.write",
  alert: "dashboards.write",
} as const;
const dismissedOf = (project: string) => `sluice_steps_${project}`;

/** What to do first, ticked by what is there; gone once all is done, or put away. */
export function ToolsChecklist() {
  const { t } = useTexts();
  const api = useApi();
  const project = useProject();
  const may = useMay();
  const [away, setAway] = useState(() => kept(dismissedOf(project?.id ?? "")) !== null);
  const writes = may("dashboards.write");
  const wanted = STEPS.filter((step) => placeOf(step) && (!NEEDS[step] || may(NEEDS[step])));
  const query = useQuery({
    ...stepsDone(api, project?.id ?? "", project?.organisation_id ?? "", wanted),
    enabled: Boolean(project) && writes && !away,
  });
  const done = query.data;
  if (!project || away || !writes || !done || wanted.every((step) => done[step])) return null;
  const count = wanted.filter((step) => done[step]).length;
  return (
    <section className="panel first-steps" aria-label={t("tools.steps.title")}>
      <header className="panel-head">
        <h2>
          {t("tools.steps.title")}{" "}
          <span className="faint">{t("tools.steps.count", { done: count, all: wanted.length })}</span>
        </h2>
        <button
          type="button"
          className="icon-button"
          aria-label={t("tools.steps.hide")}
          onClick={() => {
            keep(dismissedOf(project.id), "1");
            setAway(true);
          }}
        >
          <X size={17} />
        </button>
      </header>
      <ol>
        {wanted.map((step) => (
          <li key={step} className={done[step] ? "done" : undefined}>
            {done[step] ? (
              <CircleCheck size={18} role="img" aria-label={t("tools.steps.done")} />
            ) : (
              <Circle size={18} role="img" aria-label={t("tools.steps.open")} />
            )}
            <div>
              <Link to={placeOf(step) ?? "/p/$project/install"} params={{ project: project.id }}>
                {t(`tools.steps.${step}`)}
              </Link>
              <p className="faint">{t(`tools.steps.${step}About`)}</p>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
