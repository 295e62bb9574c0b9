import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Act, type AttributionAnswer, analysis, rangeOf } from "../api/analysis";
import { useApi } from "../api/client";
import { knownEvents } from "../api/queries";
import { COLORS } from "../charts/rows";
import { useTexts } from "../i18n";
import { formatCompact, formatNumber, formatPercent } from "../i18n/format";
import { CategoryDrawing } from "../panels/CategoryDrawing";
import { Controls } from "../panels/Controls";
import { ActEditor, DurationPicker, FieldPicker, Typed } from "../panels/Editors";
import { Panel } from "../panels/Panel";
import { type BehindAsked, PeopleBehind } from "../panels/PeopleBehind";
import { Toggle } from "../panels/Toggle";
import { useAsk } from "../state/ask";
import { type Asked, actOf, oneOf, textOf } from "../state/asked";
import { COUNT_BY, goalOf, isChosen, windowOf } from "../state/funnel";
import { useScope } from "../state/scope";
import { Segmented, Select } from "../ui/form";
import { Scroll } from "../ui/Scroll";

const MODELS = ["first", "last", "linear", "position", "time_decay"] as const;
type Model = (typeof MODELS)[number];
const FIGURES = ["conversions", "value"] as const;
const MOST_DRAWN = 8;

interface AttributionAsked {
  conversion: Act;
  touch: Act;
  by: string;
  lookback: string;
  half_life: string;
  value: string;
  collapse: boolean;
  count_by: (typeof COUNT_BY)[number];
  figure: (typeof FIGURES)[number];
  model: Model | "";
}

const attributionOf = (asked: Asked): AttributionAsked => ({
  conversion: actOf(asked.conversion),
  touch: actOf(asked.touch),
  by: textOf(asked.by, "channel"),
  lookback: windowOf(asked.lookback, "30d"),
  half_life: windowOf(asked.half_life, "7d"),
  value: textOf(asked.value, "revenue"),
  collapse: asked.collapse !== false,
  count_by: oneOf(COUNT_BY, asked.count_by, "users"),
  figure: oneOf(FIGURES, asked.figure, "conversions"),
  model: oneOf(["", ...MODELS], asked.model, ""),
});

/** Which channels led to conversions, by five models beside each other. */
export default function Attribution() {
  const { t } = useTexts();
  const scope = useScope();
  const [asked, change] = useAsk(attributionOf);
  const events = useQuery(knownEvents(useApi(), scope));
  const names = events.data?.items.map(({ event }) => event) ?? [];
  const usual = goalOf(names);
  // Somebody who has chosen nothing yet sees what sells, if anything is called so.
  const conversion = isChosen(asked.conversion) ? asked.conversion : usual ? { event: usual } : {};
  const { conversion: _, figure, model, ...rest } = asked;
  const [behind, setBehind] = useState<BehindAsked>();
  const question = { ...rest, conversion, limit: 20 };
  const query = useQuery({
    ...analysis<AttributionAnswer>(useApi(), scope, "/api/v1/query/attribution", question),
    enabled: isChosen(conversion),
  });
  return (
    <>
      <Controls title={t("nav.attribution")} />
      <div className="built">
        <Builder asked={{ ...asked, conversion }} change={change} />
        <div className="stack">
          {isChosen(conversion) ? (
            <Credits
              query={query}
              by={asked.by}
              figure={figure}
              model={model}
              choose={(part: Partial<AttributionAsked>) => change(part)}
              open={(title, more) =>
                setBehind({
                  title,
                  path: "/api/v1/query/attribution/people",
                  question: { ...rangeOf(scope), ...question, ...more },
                })
              }
            />
          ) : (
            <Panel title={t("nav.attribution")} query={events} className="short">
              {() => <p className="empty">{t("attribution.choose")}</p>}
            </Panel>
          )}
        </div>
      </div>
      {behind ? <PeopleBehind asked={behind} onClose={() => setBehind(undefined)} /> : null}
    </>
  );
}

function Credits(props: {
  query: ReturnType<typeof useQuery<AttributionAnswer>>;
  by: string;
  figure: (typeof FIGURES)[number];
  model: Model | "";
  choose: (part: Partial<AttributionAsked>) => void;
  open: (title: string, more: object) => void;
}) {
  const { query, by, figure, model, choose, open } = props;
  const { t, language } = useTexts();
  const title = t("attribution.credits", { field: by });
  const shown = model ? [model] : MODELS;
  const number = (value: number) => formatNumber(value, language, { maximumFractionDigits: 1 });
  const nameOf = (key: string | null) => key ?? t("attribution.untouched");
  const rowsOf = (answer: AttributionAnswer) => {
    const rows = answer.rows.map(({ key, credits }) => ({ name: nameOf(key), credits, whom: { key } as object }));
    return Object.values(answer.other).some((one) => one.conversions)
      ? [...rows, { name: t("overview.other"), credits: answer.other, whom: { others: true } }]
      : rows;
  };
  const whole = (answer: AttributionAnswer) => (figure === "value" ? answer.value : answer.conversions);
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ conversions }) => conversions === 0}
      figure={{
        sentence: (answer) => {
          const name = shown[0] as Model;
          const best = rowsOf(answer).reduce((most, one) =>
            (one.credits[name]?.[figure] ?? 0) > (most.credits[name]?.[figure] ?? 0) ? one : most,
          );
          return t("attribution.said", {
            conversions: formatNumber(answer.conversions, language),
            value: formatNumber(answer.value, language),
            name: best.name,
            model: t(`attribution.models.${name}`),
            share: formatPercent((best.credits[name]?.[figure] ?? 0) / (whole(answer) || 1), language),
          });
        },
        table: (answer) => ({
          name: "attribution",
          columns: [
            by,
            ...MODELS.flatMap((one) =>
              FIGURES.map((kind) => `${t(`attribution.models.${one}`)}: ${t(`attribution.${kind}`)}`),
            ),
          ],
          rows: rowsOf(answer).map(({ name, credits }) => [
            name,
            ...MODELS.flatMap((one) => FIGURES.map((kind) => credits[one]?.[kind] ?? 0)),
          ]),
        }),
      }}
      actions={
        <Segmented
          label={t("attribution.figure")}
          value={figure}
          options={FIGURES.map((value) => ({ value, text: t(`attribution.${value}`) }))}
          onChange={(value) => choose({ figure: value })}
        />
      }
    >
      {(answer) => (
        <>
          <CategoryDrawing
            label={title}
            kind="bar"
            language={language}
            rows={rowsOf(answer)
              .slice(0, MOST_DRAWN)
              .map(({ name, credits }) => ({
                name,
                ...Object.fromEntries(shown.map((one) => [one, credits[one]?.[figure] ?? 0])),
              }))}
            series={shown.map((one) => ({
              key: one,
              name: t(`attribution.models.${one}`),
              color: COLORS[MODELS.indexOf(one)] as string,
            }))}
            format={number}
            tick={(value) => formatCompact(value, language)}
          />
          <Scroll className="table-scroll below" label={title}>
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">{by}</th>
                  {MODELS.map((one) => (
                    <th key={one} scope="col" className="number">
                      {t(`attribution.models.${one}`)}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rowsOf(answer).map(({ name, credits, whom }) => (
                  <tr key={name}>
                    <th scope="row">
                      <bdi>{name}</bdi>
                    </th>
                    {MODELS.map((one) => (
                      <td key={one} className="number">
                        <Credited
                          value={credits[one]?.[figure] ?? 0}
                          text={number(credits[one]?.[figure] ?? 0)}
                          label={t("attribution.behind", { name, model: t(`attribution.models.${one}`) })}
                          onOpen={(label) => open(label, { ...whom, model: one })}
                        />{" "}
                        <span className="faint">
                          {formatPercent((credits[one]?.[figure] ?? 0) / (whole(answer) || 1), language)}
                        </span>
                      </td>
                    ))}
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

/** A credit, which is a part of conversions, and whose these are. */
function Credited(props: { value: number; text: string; label: string; onOpen: (label: string) => void }) {
  const { value, text, label, onOpen } = props;
  return value ? (
    <button type="button" className="count" aria-label={`${text} – ${label}`} onClick={() => onOpen(label)}>
      {text}
    </button>
  ) : (
    text
  );
}

function Builder({ asked, change }: { asked: AttributionAsked; change: (part: Partial<AttributionAsked>) => void }) {
  const { t } = useTexts();
  return (
    <section className="builder" aria-label={t("attribution.builder")}>
      <div className="builder-part">
        <div className="field compact">
          <span className="label">{t("attribution.conversion")}</span>
          <ActEditor
            label={t("attribution.conversion")}
            value={asked.conversion}
            onChange={(conversion) => change({ conversion })}
          />
        </div>
        <FieldPicker
          label={t("attribution.by")}
          none="channel"
          value={asked.by}
          onChange={(by) => change({ by: by || "channel" })}
        />
        <DurationPicker
          label={t("attribution.lookback")}
          value={asked.lookback}
          onChange={(lookback) => change({ lookback })}
        />
        <Select
          label={t("attribution.model")}
          value={asked.model}
          options={[
            { value: "", text: t("attribution.all") },
            ...MODELS.map((value) => ({ value, text: t(`attribution.models.${value}`) })),
          ]}
          onChange={(event) => change({ model: event.target.value as Model | "" })}
        />
      </div>
      <details className="builder-part">
        <summary>{t("analysis.more")}</summary>
        <div className="field compact">
          <span className="label">{t("attribution.touch")}</span>
          <ActEditor label={t("attribution.touch")} value={asked.touch} onChange={(touch) => change({ touch })} any />
        </div>
        <DurationPicker
          label={t("attribution.halfLife")}
          value={asked.half_life}
          onChange={(half_life) => change({ half_life })}
        />
        <Typed
          label={t("attribution.worth")}
          value={asked.value}
          onChange={(value) => change({ value: value || "revenue" })}
          visible
        />
        <Toggle
          label={t("attribution.collapse")}
          value={asked.collapse}
          onChange={(collapse) => change({ collapse })}
        />
        <Select
          label={t("analysis.countBy")}
          value={asked.count_by}
          options={COUNT_BY.map((value) => ({ value, text: t(`analysis.counted.${value}`) }))}
          onChange={(event) => change({ count_by: event.target.value as AttributionAsked["count_by"] })}
        />
      </details>
    </section>
  );
}
