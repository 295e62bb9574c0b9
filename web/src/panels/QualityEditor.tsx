import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useId, useState } from "react";
import { useApi } from "../api/client";
import {
  checkSample,
  draftOf,
  type EventSchema,
  type JsonObject,
  PROMISES,
  saveSchema,
  type TriedAnswer,
  trySchema,
} from "../api/quality";
import { knownEvents } from "../api/queries";
import { useTexts } from "../i18n";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Field, Select, TextArea } from "../ui/form";

const EMPTY = { type: "object", properties: {}, required: [] };

/** What somebody wrote as a JSON object, or why it is none. */
export function readObject(text: string): { value?: JsonObject; why?: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return { why: "{ … }" };
    return { value: value as JsonObject };
  } catch (error) {
    return { why: error instanceof Error ? error.message : "" };
  }
}

const shown = (schema: object) => JSON.stringify(schema, null, 2);

/** A schema as JSON: drafted from data, compared with the version that holds, tried on properties, saved. */
export function QualityEditor(props: {
  schema?: EventSchema;
  event: string;
  text: string | undefined;
  setText: (text: string | undefined) => void;
}) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const writes = useMay()("definitions.write");
  const { schema, setText } = props;
  const [event, setEvent] = useState(props.event);
  const [saved, setSaved] = useState<number>();
  const text = props.text ?? shown(schema?.schema ?? EMPTY);
  const read = readObject(text);
  const fault = () => new Error(t("quality.plan.badJson", { why: read.why }));
  const draft = useMutation({
    mutationFn: () => draftOf(api, project, event),
    onSuccess: (found) => setText(shown(found.schema)),
  });
  const { busy, error, submit } = useSubmit(async ({ compatibility = "backward", note = "" }) => {
    if (!read.value) throw fault();
    const wanted = { schema: read.value, note, compatibility: compatibility as EventSchema["compatibility"] };
    const kept = await saveSchema(api, project, event, wanted, schema?.id);
    setSaved(kept.version);
    setText(undefined);
    await client.invalidateQueries({ queryKey: [project, "schemas"] });
    if (!schema)
      await navigate({
        to: "/p/$project/plan/$schema",
        params: { project, schema: kept.id },
        search: sharedOf as never,
      });
  });
  return (
    <div className="stack">
      <form className="schema-form" onSubmit={submit}>
        {schema ? null : <EventField value={event} onChange={setEvent} />}
        {event && writes ? (
          <p className="row">
            <button
              type="button"
              className="button"
              aria-busy={draft.isPending}
              onClick={() => draft.isPending || draft.mutate()}
            >
              {t("quality.plan.draft")}
            </button>
            {draft.data ? (
              <span className="faint" role="status">
                {t("quality.plan.drafted", { count: draft.data.rows })}
              </span>
            ) : null}
          </p>
        ) : null}
        <FormError error={draft.error ?? undefined} />
        <TextArea
          label={t("quality.plan.schema")}
          hint={t("quality.plan.schemaHint")}
          className="json-area"
          rows={18}
          spellCheck={false}
          value={text}
          readOnly={!writes}
          aria-invalid={read.value ? undefined : true}
          onChange={(change) => setText(change.target.value)}
        />
        <FormError error={error} />
        {saved === undefined || error ? null : (
          <p className="notice" role="status">
            {t("quality.plan.saved", { version: saved })}
          </p>
        )}
        {schema ? <Comparison schema={schema} read={read} fault={fault} /> : null}
        {writes ? (
          <>
            <Promise_ chosen={schema?.compatibility ?? "backward"} />
            <Field label={t("quality.plan.note")} name="note" maxLength={1000} />
            <button type="submit" className="button primary" aria-busy={busy}>
              {busy
                ? t("form.busy")
                : schema
                  ? t("quality.plan.save", { version: schema.version + 1 })
                  : t("quality.plan.first")}
            </button>
          </>
        ) : null}
      </form>
      {event ? <Sample event={event} read={read} fault={fault} /> : null}
    </div>
  );
}

function Promise_({ chosen }: { chosen: EventSchema["compatibility"] }) {
  const { t } = useTexts();
  const [promise, setPromise] = useState(chosen);
  return (
    <Select
      label={t("quality.plan.promise")}
      name="compatibility"
      value={promise}
      hint={t(`quality.plan.promiseAbout.${promise}`)}
      options={PROMISES.map((value) => ({ value, text: t(`quality.plan.promises.${value}`) }))}
      onChange={(change) => setPromise(change.target.value as EventSchema["compatibility"])}
    />
  );
}

function EventField({ value, onChange }: { value: string; onChange: (event: string) => void }) {
  const { t } = useTexts();
  const scope = useScope();
  const names = useQuery(knownEvents(useApi(), scope)).data?.items ?? [];
  const list = useId();
  return (
    <>
      <Field
        label={t("quality.plan.event")}
        name="event"
        list={list}
        maxLength={200}
        required
        autoComplete="off"
        value={value}
        onChange={(change) => onChange(change.target.value)}
      />
      <datalist id={list}>
        {names.map(({ event }) => (
          <option key={event} value={event} />
        ))}
      </datalist>
    </>
  );
}

interface Reading {
  read: { value?: JsonObject };
  fault: () => Error;
}

function Comparison({ schema, read, fault }: Reading & { schema: EventSchema }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () => (read.value ? trySchema(api, project, schema.id, read.value) : Promise.reject(fault())),
  });
  return (
    <div className="comparison">
      <button type="button" className="button" aria-busy={isPending} onClick={() => isPending || mutate()}>
        {t("quality.plan.try", { version: schema.version })}
      </button>
      <FormError error={error ?? undefined} />
      {data ? <Outcome tried={data} /> : null}
    </div>
  );
}

function Outcome({ tried }: { tried: TriedAnswer }) {
  const { t } = useTexts();
  const promise = t(`quality.plan.promises.${tried.compatibility}`);
  if (tried.compatible)
    return (
      <p className="notice good" role="status">
        {t("quality.plan.compatible", { promise })}
      </p>
    );
  return (
    <div className="notice bad" role="status">
      <p>{t("quality.plan.breaks", { promise })}</p>
      <ul>
        {tried.breaks.map((one) => (
          <li key={`${one.breaks} ${one.path} ${one.change}`}>
            {t(`quality.plan.broken.${one.change}`, {
              path: one.path || t("quality.plan.wholePath"),
              which: t(`quality.plan.narrow.${one.breaks}`),
            })}
          </li>
        ))}
      </ul>
      <p className="faint">{t("quality.plan.howTo")}</p>
    </div>
  );
}

function Sample({ event, read, fault }: Reading & { event: string }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const [text, setText] = useState("{}");
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () => {
      const properties = readObject(text);
      if (!read.value) return Promise.reject(fault());
      if (!properties.value) return Promise.reject(new Error(t("quality.plan.badJson", { why: properties.why })));
      return checkSample(api, project, event, read.value, properties.value);
    },
  });
  return (
    <details className="sample">
      <summary>{t("quality.plan.sample")}</summary>
      <TextArea
        label={t("quality.plan.sampleText")}
        className="json-area"
        rows={6}
        spellCheck={false}
        value={text}
        onChange={(change) => setText(change.target.value)}
      />
      <button type="button" className="button" aria-busy={isPending} onClick={() => isPending || mutate()}>
        {t("quality.plan.sampleDo")}
      </button>
      <FormError error={error ?? undefined} />
      {data?.valid ? (
        <p className="notice good" role="status">
          {t("quality.plan.sampleRight")}
        </p>
      ) : data ? (
        <ul className="notice bad" role="status">
          {data.violations.map((one) => (
            <li key={`${one.path} ${one.keyword}`}>
              <code>{one.path || t("quality.plan.wholePath")}</code> {one.detail}
            </li>
          ))}
        </ul>
      ) : null}
    </details>
  );
}
