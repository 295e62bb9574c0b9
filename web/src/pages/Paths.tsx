import { useQuery } from "@tanstack/react-query";
import { ArrowRight } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { type Act, analysis, type PathsAnswer, rangeOf } from "../api/analysis";
import { useApi } from "../api/client";
import type { NamedNode } from "../charts/Sankey";
import { useTexts } from "../i18n";
import { formatNumber, formatPercent } from "../i18n/format";
import { Controls } from "../panels/Controls";
import { Count } from "../panels/Count";
import { ActEditor, FieldPicker, Names, Typed, useEventNames } from "../panels/Editors";
import { Panel } from "../panels/Panel";
import { type BehindAsked, PeopleBehind } from "../panels/PeopleBehind";
import { Toggle } from "../panels/Toggle";
import { useAsk } from "../state/ask";
import { type Asked, actOf, numberOf, oneOf, textOf, textsOf } from "../state/asked";
import { COUNT_BY, isChosen } from "../state/funnel";
import { useScope } from "../state/scope";
import { Select } from "../ui/form";
import { Scroll } from "../ui/Scroll";

const Sankey = lazy(() => import("../charts/Sankey"));

const DIRECTIONS = ["first", "start", "end"] as const;
const MOST_STEPS = 20;
const MOST_VALUES = 50;

interface PathsAsked {
  direction: (typeof DIRECTIONS)[number];
  act: Act;
  by: string;
  steps: number;
  limit: number;
  min_support: number;
  collapse: boolean;
  exclude: string[];
  count_by: (typeof COUNT_BY)[number];
}
type Node = PathsAnswer["nodes"][number];
type Link = PathsAnswer["links"][number];

const pathsOf = (asked: Asked): PathsAsked => ({
  direction: oneOf(DIRECTIONS, asked.direction, "first"),
  act: actOf(asked.act),
  by: textOf(asked.by, "event"),
  steps: numberOf(asked.steps, 5, 2, MOST_STEPS),
  limit: numberOf(asked.limit, 6, 1, MOST_VALUES),
  min_support: numberOf(asked.min_support, 1, 1, 1_000_000_000),
  collapse: asked.collapse !== false,
  exclude: textsOf(asked.exclude),
  count_by: oneOf(COUNT_BY, asked.count_by, "users"),
});

const asPaths = (asked: PathsAsked) => ({
  ...(asked.direction !== "first" && isChosen(asked.act) && { [asked.direction]: asked.act }),
  by: asked.by,
  steps: asked.steps,
  limit: asked.limit,
  min_support: asked.min_support,
  collapse: asked.collapse,
  ...(asked.exclude.length && { exclude_events: asked.exclude }),
  count_by: asked.count_by,
});

const stop = ({ key, kind }: Node) => ({ key, kind });

/** What people do after an event, before one, or first. */
export default function Paths() {
  const { t } = useTexts();
  const scope = useScope();
  const [asked, change] = useAsk(pathsOf);
  const [behind, setBehind] = useState<BehindAsked>();
  const question = { ...asPaths(asked), events: scope.events };
  const query = useQuery(analysis<PathsAnswer>(useApi(), scope, "/api/v1/query/paths", question));
  const open = (title: string, more: object) =>
    setBehind({ title, path: "/api/v1/query/paths/people", question: { ...rangeOf(scope), ...question, ...more } });
  return (
    <>
      <Controls title={t("nav.paths")} />
      <div className="built">
        <Builder asked={asked} change={change} />
        <div className="stack">
          <Ways query={query} open={open} backwards={asked.direction === "end"} />
          <Whole query={query} open={open} backwards={asked.direction === "end"} />
        </div>
      </div>
      {behind ? <PeopleBehind asked={behind} onClose={() => setBehind(undefined)} /> : null}
    </>
  );
}

type Drawn = {
  query: ReturnType<typeof useQuery<PathsAnswer>>;
  open: (title: string, more: object) => void;
  backwards: boolean;
};

function useNames() {
  const { t } = useTexts();
  return (key: string | null, kind: Node["kind"]) =>
    kind === "other" ? t("overview.other") : (key ?? t("overview.none"));
}

/** The Sankey diagram, and each of its links as a row. */
function Ways({ query, open, backwards }: Drawn) {
  const { t, language } = useTexts();
  const nameOf = useNames();
  const number = (value: number) => formatNumber(value, language);
  const title = t("paths.ways");
  const stepName = (step: number) =>
    step === 1 ? t(backwards ? "paths.last" : "paths.first") : t("paths.step", { number: backwards ? 1 - step : step });
  const nodeLabel = (node: Node) => `${nameOf(node.key, node.kind)}, ${stepName(node.step)}`;
  const linked = ({ nodes, links }: PathsAnswer) => {
    const byId = new Map(nodes.map((one) => [one.id, one]));
    return links
      .flatMap((link) => {
        const source = byId.get(link.source);
        const target = byId.get(link.target);
        return source && target ? [{ link, source, target }] : [];
      })
      .toSorted((one, other) => one.source.step - other.source.step || other.link.people - one.link.people);
  };
  const linkLabel = (source: Node, target: Node) =>
    `${nameOf(source.key, source.kind)} → ${nameOf(target.key, target.kind)}, ${stepName(source.step)}`;
  const openLink = (answer: PathsAnswer, wanted: Pick<Link, "source" | "target">) => {
    const found = linked(answer).find(({ link }) => link.source === wanted.source && link.target === wanted.target);
    if (found)
      open(linkLabel(found.source, found.target), {
        way: [stop(found.source), stop(found.target)],
        step: found.source.step,
      });
  };
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ people }) => people === 0}
      figure={{
        sentence: (answer) => {
          const [largest] = linked(answer).toSorted((one, other) => other.link.people - one.link.people);
          return largest
            ? t("paths.said", {
                people: number(answer.people),
                from: nameOf(largest.source.key, largest.source.kind),
                to: nameOf(largest.target.key, largest.target.kind),
                share: formatPercent(largest.link.people / answer.people, language),
              })
            : t("paths.saidNone", { people: number(answer.people) });
        },
        table: (answer) => ({
          name: "paths",
          columns: [t("paths.column.step"), t("paths.column.from"), t("paths.column.to"), t("analysis.people")],
          rows: linked(answer).map(({ link, source, target }) => [
            source.step,
            nameOf(source.key, source.kind),
            nameOf(target.key, target.kind),
            link.people,
          ]),
        }),
      }}
    >
      {(answer) => (
        <>
          <Suspense fallback={<div className="skeleton" />}>
            <Sankey
              label={title}
              nodes={answer.nodes.map((node): NamedNode & Node => ({
                ...node,
                name: nameOf(node.key, node.kind),
                other: node.kind === "other",
              }))}
              links={answer.links}
              format={number}
              stepName={stepName}
              onNode={(node) => {
                const found = answer.nodes.find(({ id }) => id === node.id);
                if (found) open(nodeLabel(found), { way: [stop(found)], step: found.step });
              }}
              onLink={(link) => openLink(answer, link)}
            />
          </Suspense>
          <Scroll className="table-scroll below" label={t("paths.links")}>
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">{t("paths.column.step")}</th>
                  <th scope="col">{t("paths.column.from")}</th>
                  <th scope="col" className="number">
                    {t("paths.column.here")}
                  </th>
                  <th scope="col">{t("paths.column.to")}</th>
                  <th scope="col" className="number">
                    {t("analysis.people")}
                  </th>
                  <th scope="col" className="number">
                    {t("measure.share")}
                  </th>
                </tr>
              </thead>
              <tbody>
                {linked(answer).map(({ link, source, target }) => (
                  <tr key={`${link.source} ${link.target}`}>
                    <td>{stepName(source.step)}</td>
                    <th scope="row">
                      <bdi>{nameOf(source.key, source.kind)}</bdi>
                    </th>
                    <td className="number">
                      <Count
                        value={source.people}
                        label={nodeLabel(source)}
                        onOpen={() => open(nodeLabel(source), { way: [stop(source)], step: source.step })}
                      />
                    </td>
                    <td>
                      <bdi>{nameOf(target.key, target.kind)}</bdi>
                    </td>
                    <td className="number">
                      <Count
                        value={link.people}
                        label={linkLabel(source, target)}
                        onOpen={() => openLink(answer, link)}
                      />
                    </td>
                    <td className="number">{formatPercent(link.people / source.people, language)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </>
      )}
    </Panel>
  );
}

/** The ways most people went, from the first step to the last. */
function Whole({ query, open, backwards }: Drawn) {
  const { t, language } = useTexts();
  const nameOf = useNames();
  const title = t("paths.whole");
  const steps = ({ keys, kinds }: PathsAnswer["paths"][number]) => {
    const names = keys.map((key, place) => nameOf(key, kinds[place] ?? "value"));
    return backwards ? names.toReversed() : names;
  };
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ paths }) => paths.length === 0}
      figure={{
        own: true,
        quiet: true,
        sentence: ({ paths }) => (paths[0] ? steps(paths[0]).join(" → ") : ""),
        table: ({ paths }) => ({
          name: "whole-paths",
          columns: [title, t("analysis.people")],
          rows: paths.map((one) => [steps(one).join(" → "), one.people]),
        }),
      }}
    >
      {({ paths, people }) => (
        <Scroll label={title}>
          <table className="table whole-paths">
            <thead>
              <tr>
                <th scope="col">{t("paths.way")}</th>
                <th scope="col" className="number">
                  {t("analysis.people")}
                </th>
                <th scope="col" className="number">
                  {t("measure.share")}
                </th>
              </tr>
            </thead>
            <tbody>
              {paths.map((one) => (
                <tr key={JSON.stringify([one.keys, one.kinds])}>
                  <th scope="row">
                    <span className="way">
                      {steps(one).map((name, place) => (
                        // biome-ignore lint/suspicious/noArrayIndexKey: a step is known by its place
                        <span key={place} className="way-step">
                          {place ? <ArrowRight size={13} aria-hidden="true" /> : null}
                          <bdi>{name}</bdi>
                        </span>
                      ))}
                    </span>
                  </th>
                  <td className="number">
                    <Count
                      value={one.people}
                      label={steps(one).join(" → ")}
                      onOpen={() =>
                        open(steps(one).join(" → "), {
                          way: one.keys.map((key, at) => ({ key, kind: one.kinds[at] })),
                          whole: true,
                        })
                      }
                    />
                  </td>
                  <td className="number">{formatPercent(one.people / people, language)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}

function Builder({ asked, change }: { asked: PathsAsked; change: (part: Partial<PathsAsked>) => void }) {
  const { t } = useTexts();
  const events = useEventNames();
  const whole = (text: string, least: number, most: number) =>
    Math.min(Math.max(Math.round(Number(text)) || least, least), most);
  return (
    <section className="builder" aria-label={t("paths.builder")}>
      <div className="builder-part">
        <Select
          label={t("paths.direction")}
          value={asked.direction}
          options={DIRECTIONS.map((value) => ({ value, text: t(`paths.directions.${value}`) }))}
          onChange={(event) => change({ direction: event.target.value as PathsAsked["direction"] })}
        />
        {asked.direction === "first" ? null : (
          <div className="field compact">
            <span className="label">{t("fields.event")}</span>
            <ActEditor label={t("fields.event")} value={asked.act} onChange={(act) => change({ act })} />
          </div>
        )}
        <FieldPicker
          label={t("paths.by")}
          none="event"
          value={asked.by === "event" ? "" : asked.by}
          onChange={(by) => change({ by: by || "event" })}
        />
        <div className="field-pair">
          <Typed
            label={t("paths.steps")}
            type="number"
            min={2}
            max={MOST_STEPS}
            value={String(asked.steps)}
            onChange={(text) => change({ steps: whole(text, 2, MOST_STEPS) })}
            visible
          />
          <Typed
            label={t("paths.limit")}
            type="number"
            min={1}
            max={MOST_VALUES}
            value={String(asked.limit)}
            onChange={(text) => change({ limit: whole(text, 1, MOST_VALUES) })}
            visible
          />
        </div>
        <Toggle label={t("paths.collapse")} value={asked.collapse} onChange={(collapse) => change({ collapse })} />
      </div>
      <details className="builder-part" open={asked.exclude.length > 0 || asked.min_support > 1 || undefined}>
        <summary>{t("analysis.more")}</summary>
        <div className="field compact">
          <span className="label">{t("paths.exclude")}</span>
          <Names
            label={t("paths.exclude")}
            values={asked.exclude}
            known={events}
            placeholder={t("paths.excludeNothing")}
            onChange={(exclude) => change({ exclude })}
          />
        </div>
        <Typed
          label={t("paths.support")}
          type="number"
          min={1}
          value={String(asked.min_support)}
          onChange={(text) => change({ min_support: whole(text, 1, 1_000_000_000) })}
          visible
        />
        <Select
          label={t("analysis.countBy")}
          value={asked.count_by}
          options={COUNT_BY.map((value) => ({ value, text: t(`analysis.counted.${value}`) }))}
          onChange={(event) => change({ count_by: event.target.value as PathsAsked["count_by"] })}
        />
      </details>
    </section>
  );
}
