import { useIsFetching, useQueryClient } from "@tanstack/react-query";
import { CalendarDays, ChevronDown, Clock, RefreshCw, Scale } from "lucide-react";
import { useState } from "react";
import { useTexts } from "../i18n";
import { formatPoint } from "../i18n/format";
import { SHORTCUTS } from "../keyboard/map";
import { COMPARISONS, PRESETS, type Preset } from "../state/range";
import { useScope } from "../state/scope";
import { useView } from "../state/view";
import { Dialog } from "../ui/dialog";
import { Field, TimezoneSelect } from "../ui/form";
import { Menu, MenuChoice, MenuItem, MenuLine } from "../ui/menu";
import { Filters } from "./Filters";

const hintOf = (preset: Preset) =>
  SHORTCUTS.find(({ action }) => action.do === "range" && action.range === preset)?.keys[0];

/** A page's head: its name, the period, and what else narrows it. All of it stands in the address. */
export function Controls({
  title,
  compare,
  interval,
  bare,
}: {
  title: string;
  compare?: boolean;
  interval?: boolean;
  bare?: boolean;
}) {
  const { t, language } = useTexts();
  const { view, change } = useView();
  const scope = useScope();
  const [custom, setCustom] = useState(false);
  const client = useQueryClient();
  const fetching = useIsFetching() > 0;
  const preset = view.from ? "" : (view.range ?? "30d");
  const shown = preset
    ? t(`range.${preset}`)
    : `${formatPoint(scope.span.from, "day", language)} – ${formatPoint(scope.span.to, "day", language)}`;
  return (
    <div className="controls">
      <h1>{title}</h1>
      <div className="control-row">
        {bare ? null : <Filters />}
        <Menu
          label={`${t("range.label")}: ${shown}`}
          align="end"
          trigger={
            <>
              <CalendarDays size={16} aria-hidden="true" />
              {shown}
              <ChevronDown size={14} aria-hidden="true" />
            </>
          }
        >
          <MenuChoice
            value={preset}
            options={PRESETS.map((value) => ({ value, text: t(`range.${value}`), hint: hintOf(value) }))}
            onChange={(range) =>
              change({
                range: range === "30d" ? undefined : range,
                from: undefined,
                to: undefined,
                interval: undefined,
              })
            }
          />
          <MenuLine />
          <MenuItem onSelect={() => setCustom(true)}>{t("range.custom")}…</MenuItem>
        </Menu>
        {interval && scope.intervals.length > 1 ? (
          <Menu
            label={`${t("interval.label")}: ${t(`interval.${scope.interval}`)}`}
            align="end"
            trigger={
              <>
                <Clock size={16} aria-hidden="true" />
                {t(`interval.${scope.interval}`)}
                <ChevronDown size={14} aria-hidden="true" />
              </>
            }
          >
            <MenuChoice
              value={scope.interval}
              options={scope.intervals.map((value) => ({ value, text: t(`interval.${value}`) }))}
              onChange={(value) => change({ interval: value === scope.intervals[0] ? undefined : value })}
            />
          </Menu>
        ) : null}
        {compare ? (
          <Menu
            label={`${t("compare.label")}: ${t(`compare.${scope.comparison}`)}`}
            align="end"
            className={view.compare ? "button chosen" : "button"}
            trigger={
              <>
                <Scale size={16} aria-hidden="true" />
                <span className="phone-off">{t(`compare.${scope.comparison}`)}</span>
                <ChevronDown size={14} aria-hidden="true" />
              </>
            }
          >
            <MenuChoice
              label={t("compare.label")}
              value={view.compare ?? ""}
              options={COMPARISONS.map((value) => ({ value, text: t(`compare.${value}`) }))}
              onChange={(value) => change({ compare: value })}
            />
            {view.compare ? (
              <>
                <MenuLine />
                <MenuItem onSelect={() => change({ compare: undefined })}>{t("filter.clear")}</MenuItem>
              </>
            ) : null}
          </Menu>
        ) : null}
        <button
          type="button"
          className="icon-button framed"
          aria-label={t("overview.refresh")}
          title={`${t("overview.refresh")} (r)`}
          onClick={() => void client.invalidateQueries()}
        >
          <RefreshCw size={16} className={fetching ? "turning" : undefined} aria-hidden="true" />
        </button>
      </div>
      {custom ? <CustomRange onClose={() => setCustom(false)} /> : null}
    </div>
  );
}

function CustomRange({ onClose }: { onClose: () => void }) {
  const { t } = useTexts();
  const { view, change } = useView();
  const scope = useScope();
  const [from, setFrom] = useState(scope.span.from.slice(0, 10));
  const [to, setTo] = useState(scope.span.to.slice(0, 10));
  const [tz, setTz] = useState(scope.timezone);
  const wrong = from > to;
  return (
    <Dialog title={t("range.custom")} close={t("keys.close")} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (wrong || !from || !to) return;
          change({ from, to, range: undefined, interval: undefined, tz: tz === scope.timezone ? view.tz : tz });
          onClose();
        }}
      >
        <div className="field-pair">
          <Field
            label={t("range.from")}
            type="date"
            value={from}
            max="9999-12-31"
            onChange={(event) => setFrom(event.target.value)}
            required
          />
          <Field
            label={t("range.to")}
            type="date"
            value={to}
            max="9999-12-31"
            onChange={(event) => setTo(event.target.value)}
            error={wrong ? t("range.wrong") : undefined}
            required
          />
        </div>
        <TimezoneSelect
          label={t("timezone")}
          known={scope.timezone}
          value={tz}
          onChange={(event) => setTz(event.target.value)}
        />
        <button type="submit" className="button primary">
          {t("range.apply")}
        </button>
      </form>
    </Dialog>
  );
}
