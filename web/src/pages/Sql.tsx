import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { Download, Play, Save, Trash2 } from "lucide-react";
import { useRef, useState } from "react";
import { useApi } from "../api/client";
import { ApiError } from "../api/problem";
import { type Definition, definitions, removeDefinition, saveDefinition } from "../api/saved";
import { runSql, type SqlAsked, sqlFile, sqlTables } from "../api/tools";
import { download } from "../charts/table";
import { useTexts } from "../i18n";
import { Panel, sentenceOf } from "../panels/Panel";
import { ToolsEditor, ToolsTables } from "../panels/ToolsEditor";
import { ToolsResult } from "../panels/ToolsResult";
import { useAsk } from "../state/ask";
import { textOf } from "../state/asked";
import { keep, kept } from "../state/kept";
import { useMay } from "../state/may";
import { parametersOf, sentOf, withName } from "../state/statement";
import { FormError, useSubmit } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import { Dialog } from "../ui/dialog";
import { Field, Select } from "../ui/form";
import "../ui/sql.css";

const FIRST = `SELECT event, count() AS events, uniqExact(person) AS people
FROM events
WHERE timestamp >= now() - INTERVAL 30 DAY
GROUP BY event
ORDER BY events DESC`;
const LIMITS = ["100", "1000", "10000"] as const;
const draftOf = (project: string) => `sluice_sql_${project}`;
const sqlOf = (one: Definition) => String(one.query.sql ?? "");

/** One SELECT over the project's own rows: written, run, kept. */
export default function Sql() {
  const { t } = useTexts();
  const { project } = useParams({ from: "/inside/p/$project" });
  const api = useApi();
  const [{ saved: chosen }, change] = useAsk((asked) => ({ saved: textOf(asked.saved) }));
  const statements = useQuery(definitions(api, project, "sql")).data;
  const opened = statements?.find(({ id }) => id === chosen);
  // A statement that is opened by its address is not there yet when the page begins.
  return chosen && !statements ? (
    <div className="blank" role="status" aria-label={t("panel.loading")} />
  ) : (
    <Console
      key={chosen}
      project={project}
      opened={opened}
      statements={statements ?? []}
      onOpen={(saved) => change({ saved })}
    />
  );
}

interface ConsoleProps {
  project: string;
  opened: Definition | undefined;
  statements: readonly Definition[];
  onOpen: (id: string) => void;
}

function Console({ project, opened, statements, onOpen }: ConsoleProps) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("definitions.write");
  const field = useRef<HTMLTextAreaElement>(null);
  const [sql, setSql] = useState(() => (opened ? sqlOf(opened) : (kept(draftOf(project)) ?? FIRST)));
  const [values, setValues] = useState<Record<string, string>>({});
  const [limit, setLimit] = useState<string>("1000");
  const [open, setOpen] = useState<"save" | "remove">();
  const tables = useQuery(sqlTables(api, project));
  const parameters = parametersOf(sql);
  const asked: SqlAsked = {
    sql,
    limit: Number(limit),
    parameters: Object.fromEntries(parameters.map((one) => [one.name, sentOf(one, values[one.name] ?? "")])),
  };
  const run = useMutation({ mutationFn: () => runSql(api, project, asked) });
  const file = useMutation({
    mutationFn: async () => download("query.csv", (await sqlFile(api, project, asked)).content),
  });
  const failed = run.error ?? file.error;
  const refusal = failed instanceof ApiError && failed.code === "bad_sql" ? failed : undefined;
  const at = refusal?.body.position;
  const write = (text: string) => {
    setSql(text);
    if (!opened) keep(draftOf(project), text === FIRST ? null : text);
    run.reset();
    file.reset();
  };
  const start = () => {
    if (run.isPending) return;
    file.reset();
    run.mutate();
  };
  const put = (name: string) => {
    const box = field.current;
    const [text, caret] = withName(sql, box?.selectionStart ?? sql.length, box?.selectionEnd ?? sql.length, name);
    write(text);
    // After the field has the new text.
    setTimeout(() => {
      box?.focus();
      box?.setSelectionRange(caret, caret);
    });
  };
  const forget = () => client.invalidateQueries({ queryKey: [project, "/api/v1/definitions"] });
  return (
    <>
      <div className="controls">
        <h1>{t("tools.sql.title")}</h1>
        <div className="control-row">
          <Select
            label={t("tools.sql.saved")}
            value={opened?.id ?? ""}
            options={[
              { value: "", text: t("tools.sql.new") },
              ...statements.map(({ id, name }) => ({ value: id, text: name })),
            ]}
            onChange={(event) => onOpen(event.target.value)}
          />
          {writes ? (
            <button type="button" className="button" onClick={() => setOpen("save")}>
              <Save size={16} aria-hidden="true" />
              {t("tools.sql.save")}
            </button>
          ) : null}
          {writes && opened ? (
            <button
              type="button"
              className="icon-button framed"
              aria-label={t("tools.sql.remove", { name: opened.name })}
              onClick={() => setOpen("remove")}
            >
              <Trash2 size={16} />
            </button>
          ) : null}
        </div>
      </div>
      <p className="about">{t("tools.sql.about")}</p>
      <div className="sql">
        <section className="panel sql-desk" aria-label={t("tools.sql.statement")}>
          <ToolsEditor
            field={field}
            sql={sql}
            error={failed ? sentenceOf(failed, t) : ""}
            at={typeof at === "number" ? at : undefined}
            onChange={write}
            onRun={start}
          />
          {parameters.length ? (
            <div className="sql-values">
              {parameters.map(({ name, type }) => (
                <Field
                  key={name}
                  label={name}
                  hint={type}
                  value={values[name] ?? ""}
                  onChange={(event) => setValues({ ...values, [name]: event.target.value })}
                />
              ))}
            </div>
          ) : null}
          <div className="control-row">
            <button type="button" className="button primary" aria-busy={run.isPending} onClick={start}>
              <Play size={16} aria-hidden="true" />
              {run.isPending ? t("tools.sql.running") : t("tools.sql.run")}
            </button>
            <button
              type="button"
              className="button"
              aria-busy={file.isPending}
              onClick={() => {
                if (file.isPending) return;
                run.reset();
                file.mutate();
              }}
            >
              <Download size={16} aria-hidden="true" />
              {t("tools.sql.csv")}
            </button>
            <Select
              label={t("tools.sql.limit")}
              value={limit}
              options={LIMITS.map((value) => ({ value, text: value }))}
              onChange={(event) => setLimit(event.target.value)}
            />
          </div>
          {run.data ? <ToolsResult answer={run.data} /> : null}
        </section>
        <Panel title={t("tools.sql.columns")} query={tables} className="short">
          {(known) => <ToolsTables tables={known.tables} onName={put} />}
        </Panel>
      </div>
      {open === "save" ? (
        <SaveStatement
          project={project}
          sql={sql}
          opened={opened}
          onClose={() => setOpen(undefined)}
          onDone={async (id) => {
            keep(draftOf(project), null);
            await forget();
            onOpen(id);
          }}
        />
      ) : null}
      {open === "remove" && opened ? (
        <Confirm
          title={t("tools.sql.remove", { name: opened.name })}
          about={t("tools.sql.removeAbout")}
          action={t("tools.sql.removeDo")}
          run={async () => {
            await removeDefinition(api, project, opened);
            await forget();
            onOpen("");
          }}
          onClose={() => setOpen(undefined)}
        />
      ) : null}
    </>
  );
}

function SaveStatement(props: {
  project: string;
  sql: string;
  opened: Definition | undefined;
  onClose: () => void;
  onDone: (id: string) => Promise<void>;
}) {
  const { project, sql, opened, onClose, onDone } = props;
  const { t } = useTexts();
  const api = useApi();
  const { busy, error, submit } = useSubmit(async ({ name = "" }) => {
    const known = opened && opened.name === name.trim() ? opened : undefined;
    const body = { kind: "sql", name: name.trim(), query: { sql }, tags: known?.tags ?? [] };
    const made = await saveDefinition(api, project, body, known);
    onClose();
    await onDone(made.id);
  });
  return (
    <Dialog title={t("tools.sql.saveTitle")} close={t("keys.close")} onClose={onClose}>
      <form onSubmit={submit}>
        <FormError error={error} />
        <Field
          label={t("projects.name")}
          name="name"
          maxLength={200}
          defaultValue={opened?.name}
          hint={opened ? t("tools.sql.saveHint") : undefined}
          required
          autoFocus
        />
        <button type="submit" className="button primary" aria-busy={busy}>
          {busy ? t("form.busy") : t("tools.sql.save")}
        </button>
      </form>
    </Dialog>
  );
}
