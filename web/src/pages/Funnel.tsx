import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { analysis, type FunnelAnswer, rangeOf } from "../api/analysis";
import { useApi } from "../api/client";
import { knownEvents } from "../api/queries";
import { useTexts } from "../i18n";
import { Controls } from "../panels/Controls";
import { FunnelBuilder } from "../panels/FunnelBuilder";
import { Groups } from "../panels/FunnelGroups";
import { Steps, Times, Trend } from "../panels/FunnelPanels";
import { Panel } from "../panels/Panel";
import { type BehindAsked, PeopleBehind } from "../panels/PeopleBehind";
import { useAsk } from "../state/ask";
import { asFunnel, FEWEST_STEPS, funnelOf, goalOf, isChosen, millisecondsOf } from "../state/funnel";
import { useScope } from "../state/scope";

/** How many people do one step after the other, how long it takes them, and who they are. */
export default function Funnel() {
  const { t } = useTexts();
  const scope = useScope();
  const [asked, change] = useAsk(funnelOf);
  const events = useQuery(knownEvents(useApi(), scope));
  const names = events.data?.items.map(({ event }) => event) ?? [];
  const [behind, setBehind] = useState<BehindAsked>();
  // Somebody who has chosen nothing yet sees a funnel of what happens most, to what sells; to be changed.
  const goal = goalOf(names);
  const usual = [...names.filter((name) => name !== goal).slice(0, 2), ...(goal ? [goal] : [])];
  const steps = asked.steps ?? usual.map((event) => ({ event }));
  const question = asFunnel({ ...asked, steps });
  const complete = steps.filter(isChosen).length >= FEWEST_STEPS;
  const query = useQuery({
    ...analysis<FunnelAnswer>(useApi(), scope, "/api/v1/query/funnel", { ...question, interval: scope.interval }),
    enabled: complete && steps.length === question.steps.length,
  });
  const open = (title: string, more: object) =>
    setBehind({
      title,
      path: "/api/v1/query/funnel/people",
      question: { ...rangeOf(scope), ...question, ...more },
    });
  return (
    <>
      <Controls title={t("nav.funnel")} interval />
      <div className="built">
        <FunnelBuilder asked={{ ...asked, steps }} change={change} />
        <div className="stack">
          {complete ? (
            <>
              <Steps query={query} open={open} />
              <div className="grid halves">
                <Times query={query} open={open} last={steps.length} />
                <Trend query={query} open={open} last={steps.length} windowMs={millisecondsOf(asked.window)} />
              </div>
              {asked.breakdown ? <Groups query={query} open={open} by={asked.breakdown} /> : null}
            </>
          ) : (
            <Panel title={t("funnel.conversion")} query={events} className="short">
              {() => <p className="empty">{t("funnel.tooFew")}</p>}
            </Panel>
          )}
        </div>
      </div>
      {behind ? <PeopleBehind asked={behind} onClose={() => setBehind(undefined)} /> : null}
    </>
  );
}
