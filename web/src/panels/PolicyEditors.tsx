import { Plus, X } from "lucide-react";
import { SEVERITIES } from "../api/incidents";
import type { Channel } from "../api/webhooks";
import { useTexts } from "../i18n";
import {
  freshSpan,
  freshStep,
  MOST_SPANS,
  MOST_STEPS,
  type PolicyStep,
  type Quiet,
  type QuietHours,
  WEEKDAYS,
} from "../state/policy";
import { TimezoneSelect } from "../ui/form";
import { DurationPicker, Names } from "./Editors";
import { Toggle } from "./Toggle";

/** The steps of a policy: whom each tells, after how long, and how often again. */
export function StepsEditor(props: {
  steps: readonly PolicyStep[];
  channels: readonly Channel[];
  mayRead: boolean;
  onChange: (steps: PolicyStep[]) => void;
}) {
  const { t } = useTexts();
  const { steps, onChange } = props;
  const put = (place: number, part: Partial<PolicyStep>) =>
    onChange(steps.map((one, at) => (at === place ? { ...one, ...part } : one)));
  return (
    <>
      <ol className="policy-steps">
        {steps.map((step, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step is known by its place
          <li key={place}>
            <fieldset className="policy-step">
              <legend>{t("alerts.policies.step", { number: place + 1 })}</legend>
              {steps.length > 1 ? (
                <button
                  type="button"
                  className="icon-button policy-remove"
                  aria-label={t("alerts.policies.removeStep", { number: place + 1 })}
                  onClick={() => onChange(steps.filter((_, at) => at !== place))}
                >
                  <X size={15} />
                </button>
              ) : null}
              <StepFields step={step} place={place} {...props} put={(part) => put(place, part)} />
            </fieldset>
          </li>
        ))}
      </ol>
      {steps.length < MOST_STEPS ? (
        <button type="button" className="add" onClick={() => onChange([...steps, freshStep(steps.length)])}>
          <Plus size={14} aria-hidden="true" />
          {t("alerts.policies.addStep")}
        </button>
      ) : null}
    </>
  );
}

function StepFields(props: {
  step: PolicyStep;
  place: number;
  channels: readonly Channel[];
  mayRead: boolean;
  put: (part: Partial<PolicyStep>) => void;
}) {
  const { t } = useTexts();
  const { step, place, put } = props;
  const chosen = step.channels ?? [];
  return (
    <>
      <Toggled
        label={t(place ? "alerts.policies.after" : "alerts.policies.afterFirst")}
        off={place ? undefined : t("alerts.policies.atOnce")}
        value={(step.after ?? "0m").startsWith("0") ? null : (step.after ?? null)}
        usual={place ? "15m" : "5m"}
        onChange={(after) => put({ after: after ?? "0m" })}
      />
      <p className="label">{t("alerts.policies.emails")}</p>
      <Names
        label={`${t("alerts.policies.emails")}: ${t("alerts.policies.step", { number: place + 1 })}`}
        values={step.emails ?? []}
        onChange={(emails) => put({ emails })}
        known={[]}
        most={10}
        placeholder={t("alerts.policies.emailsHint")}
      />
      {props.mayRead ? (
        props.channels.length ? (
          <fieldset className="checks">
            <legend>{t("alerts.policies.channels")}</legend>
            {props.channels.map(({ id, name, type }) => (
              <label key={id}>
                <input
                  type="checkbox"
                  checked={chosen.includes(id)}
                  onChange={({ target }) =>
                    put({ channels: target.checked ? [...chosen, id] : chosen.filter((one) => one !== id) })
                  }
                />
                <span>
                  {name || type}
                  <small>{type}</small>
                </span>
              </label>
            ))}
          </fieldset>
        ) : (
          <p className="faint">{t("alerts.policies.noChannels")}</p>
        )
      ) : null}
      <Toggled
        label={t("alerts.policies.every")}
        off={t("alerts.policies.repeat")}
        value={step.repeat ?? null}
        usual="30m"
        onChange={(repeat) => put({ repeat })}
        on
      />
    </>
  );
}

/** A length of time that may be left out. `on`: the box is ticked where there is one, not where there is none. */
function Toggled(props: {
  label: string;
  off: string | undefined;
  value: string | null;
  usual: string;
  onChange: (value: string | null) => void;
  on?: boolean;
}) {
  const { label, off, value, usual, onChange, on = false } = props;
  const set = value !== null;
  return (
    <div className="policy-length">
      {off ? <Toggle label={off} value={set === on} onChange={(next) => onChange(next === on ? usual : null)} /> : null}
      {set || !off ? <DurationPicker label={label} value={value ?? usual} onChange={onChange} /> : null}
    </div>
  );
}

/** Hours in which nobody is told, of which severities, by the clocks of a zone. */
export function QuietEditor({ quiet, onChange }: { quiet: QuietHours; onChange: (quiet: QuietHours) => void }) {
  const { t } = useTexts();
  const { spans, severities = [] } = quiet;
  const put = (place: number, part: Partial<Quiet>) =>
    onChange({ ...quiet, spans: spans.map((one, at) => (at === place ? { ...one, ...part } : one)) });
  return (
    <div className="stack quiet-hours">
      {spans.map((span, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: hours are known by their place
        <div key={place} className="quiet-span">
          <fieldset className="weekdays">
            <legend>{t("alerts.policies.days")}</legend>
            {WEEKDAYS.map((day) => (
              <label key={day}>
                <input
                  type="checkbox"
                  checked={(span.days ?? []).includes(day)}
                  onChange={({ target }) =>
                    put(place, {
                      days: WEEKDAYS.filter((one) => (one === day ? target.checked : (span.days ?? []).includes(one))),
                    })
                  }
                />
                <span>{t(`alerts.policies.weekday.${day}`)}</span>
              </label>
            ))}
          </fieldset>
          <label className="time">
            {t("alerts.policies.from")}
            <input
              type="time"
              required
              value={span.from}
              onChange={({ target }) => put(place, { from: target.value })}
            />
          </label>
          <label className="time">
            {t("alerts.policies.to")}
            <input type="time" required value={span.to} onChange={({ target }) => put(place, { to: target.value })} />
          </label>
          {spans.length > 1 ? (
            <button
              type="button"
              className="icon-button"
              aria-label={t("alerts.policies.removeSpan")}
              onClick={() => onChange({ ...quiet, spans: spans.filter((_, at) => at !== place) })}
            >
              <X size={15} />
            </button>
          ) : null}
        </div>
      ))}
      {spans.length < MOST_SPANS ? (
        <button type="button" className="add" onClick={() => onChange({ ...quiet, spans: [...spans, freshSpan()] })}>
          <Plus size={14} aria-hidden="true" />
          {t("alerts.policies.addSpan")}
        </button>
      ) : null}
      <TimezoneSelect
        label={t("alerts.policies.timezone")}
        known={quiet.timezone}
        value={quiet.timezone}
        onChange={({ target }) => onChange({ ...quiet, timezone: target.value })}
      />
      <fieldset className="checks">
        <legend>{t("alerts.policies.quietFor")}</legend>
        {SEVERITIES.map((one) => (
          <label key={one}>
            <input
              type="checkbox"
              checked={severities.includes(one)}
              onChange={({ target }) =>
                onChange({
                  ...quiet,
                  severities: SEVERITIES.filter((other) =>
                    other === one ? target.checked : severities.includes(other),
                  ),
                })
              }
            />
            <span>{t(`alerts.severity.${one}`)}</span>
          </label>
        ))}
      </fieldset>
    </div>
  );
}
