import "../ui/quality.css";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { removeSchema, schemaOf } from "../api/quality";
import { useTexts } from "../i18n";
import { Panel } from "../panels/Panel";
import { QualityEditor } from "../panels/QualityEditor";
import { QualityVersions } from "../panels/QualityVersions";
import { useAsk } from "../state/ask";
import { textOf } from "../state/asked";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { Confirm } from "../ui/Confirm";

/** One schema, or a new one: the editor, whether it keeps its promise, its versions. */
export default function TrackingSchema() {
  const { t } = useTexts();
  const { schema: id = "new" } = useParams({ strict: false }) as { schema?: string };
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const writes = useMay()("definitions.write");
  const known = id !== "new";
  const query = useQuery({ ...schemaOf(api, project, id), enabled: known });
  const [{ event }] = useAsk((asked) => ({ event: textOf(asked.event) }));
  const [removing, setRemoving] = useState(false);
  const [text, setText] = useState<string>();
  const back = () => navigate({ to: "/p/$project/plan", params: { project }, search: sharedOf as never });
  return (
    <>
      <p className="back">
        <Link to="/p/$project/plan" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("quality.plan.title")}
        </Link>
      </p>
      <div className="controls">
        <h1>{known ? t("quality.plan.edit", { event: query.data?.event ?? "…" }) : t("quality.plan.new")}</h1>
        {known && writes && query.data ? (
          <button type="button" className="button danger" onClick={() => setRemoving(true)}>
            {t("quality.plan.remove")}
          </button>
        ) : null}
      </div>
      {known ? (
        <div className="built plan-built">
          <Panel title={t("quality.plan.versionOf", { version: query.data?.version ?? "…" })} query={query}>
            {(schema) => <QualityEditor schema={schema} event={schema.event} text={text} setText={setText} />}
          </Panel>
          <QualityVersions id={id} choose={setText} />
        </div>
      ) : (
        <section className="panel padded">
          <QualityEditor event={event} text={text} setText={setText} />
        </section>
      )}
      {removing && query.data ? (
        <Confirm
          title={t("quality.plan.removeTitle", { event: query.data.event })}
          about={t("quality.plan.removeAbout")}
          action={t("quality.plan.remove")}
          run={async () => {
            await removeSchema(api, project, id);
            await back();
            client.removeQueries({ queryKey: [project, "schemas", id] });
            await client.invalidateQueries({ queryKey: [project, "schemas"] });
          }}
          onClose={() => setRemoving(false)}
        />
      ) : null}
    </>
  );
}
