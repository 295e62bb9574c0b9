import type { UseQueryResult } from "@tanstack/react-query";
import type { FunnelAnswer } from "../api/analysis";
import { useTexts } from "../i18n";
import { formatNumber, formatPercent } from "../i18n/format";
import { Scroll } from "../ui/Scroll";
import { Count } from "./Count";
import type { Open } from "./FunnelPanels";
import { Panel } from "./Panel";

/** One funnel for each of the largest groups, and whether the difference is more than chance. */
export function Groups(props: { query: UseQueryResult<FunnelAnswer>; open: Open; by: string }) {
  const { query, open, by } = props;
  const { t, language } = useTexts();
  const title = t("funnel.groups", { field: by });
  const name = (key: string | null) => key ?? t("overview.none");
  const percent = (share: number | null) => (share === null ? "–" : formatPercent(share, language));
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ breakdown }) => !breakdown?.groups.length}
      figure={{
        own: true,
        quiet: true,
        sentence: ({ breakdown }) =>
          (breakdown?.groups ?? [])
            .slice(0, 3)
            .map((one) => `${name(one.key)} ${percent(one.conversion)}`)
            .join(", "),
        table: ({ breakdown, steps }) => ({
          name: "funnel-groups",
          columns: [by, ...steps.map(({ label }) => label), t("funnel.conversion"), "p"],
          rows: (breakdown?.groups ?? []).map((one) => [
            name(one.key),
            ...one.steps.map(({ count }) => count),
            one.conversion,
            one.p_value,
          ]),
        }),
      }}
    >
      {({ breakdown, steps }) => (
        <Scroll label={title}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{by}</th>
                {steps.map(({ label }, place) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: a step is known by its place
                  <th key={place} scope="col" className="number">
                    {place + 1}. {label}
                  </th>
                ))}
                <th scope="col" className="number">
                  {t("funnel.conversion")}
                </th>
                <th scope="col">{t("funnel.difference")}</th>
              </tr>
            </thead>
            <tbody>
              {breakdown?.groups.map((group) => (
                <tr key={String(group.key)}>
                  <th scope="row">
                    <bdi>{name(group.key)}</bdi>
                  </th>
                  {group.steps.map(({ count }, place) => {
                    const label = t("funnel.cameGroup", { number: place + 1, group: name(group.key) });
                    return (
                      // biome-ignore lint/suspicious/noArrayIndexKey: a step is known by its place
                      <td key={place} className="number">
                        <Count
                          value={count}
                          label={label}
                          onOpen={() => open(label, { step: place + 1, group: [group.key] })}
                        />
                      </td>
                    );
                  })}
                  <td className="number">{percent(group.conversion)}</td>
                  <td>
                    <Significance value={group.p_value} significant={group.significant} />
                  </td>
                </tr>
              ))}
              {breakdown?.other.some(Boolean) ? (
                <tr>
                  <th scope="row">{t("overview.other")}</th>
                  {breakdown.other.map((count, place) => {
                    const label = t("funnel.cameGroup", { number: place + 1, group: t("overview.other") });
                    return (
                      // biome-ignore lint/suspicious/noArrayIndexKey: a step is known by its place
                      <td key={place} className="number">
                        <Count
                          value={count}
                          label={label}
                          onOpen={() => open(label, { step: place + 1, others: true })}
                        />
                      </td>
                    );
                  })}
                  <td />
                  <td />
                </tr>
              ) : null}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  );
}

function Significance({ value, significant }: { value: number | null; significant: boolean }) {
  const { t, language } = useTexts();
  if (value === null) return <span className="faint">–</span>;
  return (
    <span className={significant ? "state stored" : "state"}>
      {significant ? t("funnel.significant") : t("funnel.chance")}
      {" · p "}
      {value < 0.001 ? "< 0.001" : formatNumber(value, language, { maximumFractionDigits: 3 })}
    </span>
  );
}
