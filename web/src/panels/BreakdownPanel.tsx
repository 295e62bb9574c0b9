import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { type BreakdownAnswer, useApi } from "../api/client";
import { breakdown } from "../api/queries";
import { BarList, type BarRow } from "../charts/BarList";
import { PieChart } from "../charts/PieChart";
import { useTexts } from "../i18n";
import { formatCountry, formatNumber } from "../i18n/format";
import { useScope } from "../state/scope";
import { useView } from "../state/view";
import { Segmented } from "../ui/form";
import { Panel } from "./Panel";

export interface BreakdownPanelProps {
  title: string;
  /** Fields to choose from, the first one at first. */
  fields: readonly string[];
  measure: "count" | "users" | "sessions";
  /** What stands for events without a value. */
  none?: string;
  pie?: boolean;
  /** Leaves out the events without a value. */
  known?: boolean;
}

/** The largest values of a field; each can be clicked to see only it. */
export function BreakdownPanel({ title, fields, measure, none, pie, known }: BreakdownPanelProps) {
  const { t, language } = useTexts();
  const { view, change } = useView();
  const [field, setField] = useState(fields[0] as string);
  const [shape, setShape] = useState<"bar" | "pie">("bar");
  const scope = useScope();
  const filters = known ? [...scope.filters, { property: field, op: "is_set" as const }] : scope.filters;
  const query = useQuery(breakdown(useApi(), { ...scope, filters }, field, measure));
  const nameOf = (key: string) => (field === "country" ? formatCountry(key, language) : key);

  const pick = (value: string) => {
    if (field === "event") change({ events: [value] });
    else
      change({
        filters: [
          ...(view.filters ?? []).filter((one) => one.property !== field),
          { property: field, op: "eq", value },
        ],
      });
  };
  const rowsOf = (answer: BreakdownAnswer): BarRow[] => {
    const rows = answer.rows.map(({ key, value, share }): BarRow => {
      const text = typeof key === "string" ? key : null;
      const name = text === null ? (none ?? t("overview.none")) : nameOf(text);
      const onPick = text === null ? undefined : () => pick(text);
      return {
        name,
        value: value ?? 0,
        share,
        onPick,
        pickLabel: t("overview.filterBy", { value: name }),
        icon: flag(field, text),
      };
    });
    if (answer.other && answer.total)
      rows.push({
        name: t("overview.other"),
        value: answer.other,
        share: measure === "count" ? answer.other / answer.total : null,
        rest: true,
      });
    return rows;
  };
  const fieldName = t(`fields.${field}` as "fields.path");
  const columns: [string, string, string] = [fieldName, t(`measure.${measure}`), t("measure.share")];

  return (
    <Panel
      title={title}
      query={query}
      isEmpty={(answer) => answer.rows.length === 0}
      figure={{
        own: shape === "bar",
        quiet: true,
        sentence: (answer) =>
          `${title}: ${rowsOf(answer)
            .slice(0, 3)
            .map(({ name, value }) => `${name} ${formatNumber(value, language)}`)
            .join(", ")}.`,
        table: (answer) => ({
          name: field,
          columns,
          rows: rowsOf(answer).map(({ name, value, share }) => [name, value, share]),
        }),
      }}
      actions={
        <>
          {fields.length > 1 ? (
            <Segmented
              label={title}
              value={field}
              options={fields.map((value) => ({ value, text: t(`fields.${value}` as "fields.path") }))}
              onChange={setField}
            />
          ) : null}
          {pie ? (
            <Segmented
              label={t("overview.kind")}
              value={shape}
              options={[
                { value: "bar", text: t("overview.bar") },
                { value: "pie", text: t("overview.pie") },
              ]}
              onChange={setShape}
            />
          ) : null}
        </>
      }
    >
      {(answer) => {
        const rows = rowsOf(answer);
        return shape === "pie" ? (
          <PieChart
            slices={rows.map(({ name, value }, place) => ({ name, value, other: place >= answer.rows.length }))}
            label={title}
            language={language}
          />
        ) : (
          <BarList caption={title} columns={columns} rows={rows} language={language} />
        );
      }}
    </Panel>
  );
}

/** A country's flag out of the letters of its code. */
function flag(field: string, code: string | null): ReactNode {
  if (field !== "country" || !code || !/^[A-Z]{2}$/.test(code)) return null;
  return (
    <span className="flag" aria-hidden="true">
      {code}
    </span>
  );
}
