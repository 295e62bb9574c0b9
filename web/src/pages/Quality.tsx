import "../ui/quality.css";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ClipboardCheck, RefreshCw } from "lucide-react";
import { useApi } from "../api/client";
import { checkNow, type EventScore, qualityOf } from "../api/quality";
import { useTexts } from "../i18n";
import { formatDay, formatNumber } from "../i18n/format";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { QualityFindings } from "../panels/QualityFindings";
import { QualityHistory } from "../panels/QualityHistory";
import { useAsk } from "../state/ask";
import { oneOf, textOf } from "../state/asked";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError } from "../ui/AccountPage";

const STATES = ["open", "closed", "all"] as const;

/** How good the events are: a score of each, what is wrong, and how that was on the days before. */
export default function Quality() {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("definitions.write");
  const query = useQuery(qualityOf(api, project));
  const [{ event, state }, change] = useAsk((asked) => ({
    event: textOf(asked.event),
    state: oneOf(STATES, asked.state, "open"),
  }));
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => checkNow(api, project),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, "quality"] }),
  });
  return (
    <>
      <div className="controls">
        <h1>{t("quality.title")}</h1>
        <div className="control-row">
          <Link to="/p/$project/plan" params={{ project }} search={sharedOf as never} className="button">
            {t("quality.nav.plan")}
          </Link>
          {writes ? (
            <button
              type="button"
              className="button primary"
              aria-busy={isPending}
              onClick={() => isPending || mutate()}
            >
              <RefreshCw size={15} aria-hidden="true" />
              {isPending ? t("quality.checking") : t("quality.check")}
            </button>
          ) : null}
        </div>
      </div>
      <p className="about">{t("quality.about")}</p>
      <FormError error={error ?? undefined} />
      <div className="stack">
        <QualityFindings
          event={event}
          state={state}
          onState={(next) => change({ state: next })}
          onEvent={(next) => change({ event: next })}
        />
        <div className="grid halves">
          <Panel
            title={t("quality.scores")}
            query={query}
            isEmpty={({ items }) => items.length === 0}
            empty={
              <div className="empty">
                <ClipboardCheck size={24} aria-hidden="true" />
                <p>{t("quality.none")}</p>
              </div>
            }
          >
            {({ items, score, checked }) => (
              <div className="stack">
                <ProjectScore score={score} checked={checked} />
                <Scores items={items} choose={(next) => change({ event: next })} />
              </div>
            )}
          </Panel>
          <QualityHistory event={event} />
        </div>
      </div>
    </>
  );
}

function ProjectScore({ score, checked }: { score: number | null; checked: string | null }) {
  const { t, language } = useTexts();
  if (score === null) return null;
  return (
    <p className="project-score">
      <b className={toneOf(score)}>{formatNumber(score, language, { maximumFractionDigits: 1 })}</b>
      <span>
        {t("quality.scoreAbout")}
        {checked ? <span className="under">{formatDay(checked, language)}</span> : null}
      </span>
    </p>
  );
}

const toneOf = (score: number) => (score >= 90 ? "good" : score >= 60 ? "fair" : "poor");

function Scores({ items, choose }: { items: readonly EventScore[]; choose: (event: string) => void }) {
  const { t, language } = useTexts();
  const number = (value: number) => formatNumber(value, language, { maximumFractionDigits: 1 });
  const taken = (one: EventScore) =>
    Object.entries(one.penalties)
      .toSorted(([, a], [, b]) => b - a)
      .map(([kind, points]) => `${t(`quality.kind.${kind as "late"}`)} −${number(points)}`)
      .join(", ");
  return (
    <ListTable
      caption={t("quality.scores")}
      className="scores-table"
      rows={items}
      rowKey={(one) => one.event}
      columns={[
        {
          name: t("quality.event"),
          cell: (one) => (
            <>
              <button
                type="button"
                className="link event-name"
                aria-label={t("quality.onlyEvent", { event: one.event })}
                onClick={() => choose(one.event)}
              >
                <bdi>{one.event}</bdi>
              </button>
              {one.findings ? (
                <span className="under">
                  {t("quality.openCount", { count: one.findings })}: {taken(one) || t("quality.whole")}
                </span>
              ) : null}
            </>
          ),
        },
        { name: t("quality.volume"), kind: "wide", cell: (one) => formatNumber(one.volume, language) },
        {
          name: t("quality.score"),
          kind: "narrow",
          cell: (one) => <span className={`score ${toneOf(one.score)}`}>{number(one.score)}</span>,
        },
      ]}
    />
  );
}
