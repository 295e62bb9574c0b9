import "../ui/quality.css";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FileJson2, Plus } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import {
  type EventSchema,
  MODES,
  type Mode,
  type QualitySettings,
  saveSettings,
  schemasOf,
  settingsOf,
} from "../api/quality";
import { useTexts } from "../i18n";
import { formatMoment } from "../i18n/format";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { Toggle } from "../panels/Toggle";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import { Segmented } from "../ui/form";

/** The schemas of the project's events, and what becomes of events that break theirs. */
export default function TrackingPlan() {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const may = useMay();
  const settings = useQuery(settingsOf(api, project));
  const make = (
    <Link
      to="/p/$project/plan/$schema"
      params={{ project, schema: "new" }}
      search={sharedOf as never}
      className="button primary"
    >
      <Plus size={16} aria-hidden="true" />
      {t("quality.plan.make")}
    </Link>
  );
  return (
    <>
      <div className="controls">
        <h1>{t("quality.plan.title")}</h1>
        <div className="control-row">{may("definitions.write") ? make : null}</div>
      </div>
      <p className="about">{t("quality.plan.about")}</p>
      <div className="stack">
        <Panel title={t("quality.plan.mode")} query={settings} className="short">
          {(found) => <Behaviour settings={found} />}
        </Panel>
        <Schemas make={may("definitions.write") ? make : null} />
      </div>
    </>
  );
}

/** Observe, warn or reject; who may not change it reads it. */
function Behaviour({ settings }: { settings: QualitySettings }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("project.write");
  const [rejecting, setRejecting] = useState(false);
  const mode: Mode = settings.mode ?? "observe";
  const mail = settings.mail_admins ?? false;
  const { mutateAsync, error } = useMutation({
    mutationFn: (wanted: QualitySettings) => saveSettings(api, project, wanted),
    onSuccess: (kept) => client.setQueryData(settingsOf(api, project).queryKey, kept),
  });
  const set = (wanted: QualitySettings) => void mutateAsync(wanted).catch(() => undefined);
  return (
    <div className="behaviour">
      <FormError error={error ?? undefined} />
      {writes ? (
        <Segmented
          label={t("quality.plan.mode")}
          value={mode}
          options={MODES.map((value) => ({ value, text: t(`quality.plan.modes.${value}`) }))}
          onChange={(next) => (next === "reject" ? setRejecting(true) : set({ mode: next, mail_admins: mail }))}
        />
      ) : (
        <b>{t(`quality.plan.modes.${mode}`)}</b>
      )}
      <p className="faint">
        {t("quality.plan.mode")} {t(`quality.plan.modeAbout.${mode}`)}
      </p>
      {writes ? (
        <Toggle label={t("quality.plan.mail")} value={mail} onChange={(next) => set({ mode, mail_admins: next })} />
      ) : null}
      {rejecting ? (
        <Confirm
          title={t("quality.plan.rejectTitle")}
          about={t("quality.plan.rejectAbout")}
          action={t("quality.plan.rejectDo")}
          run={() => mutateAsync({ mode: "reject", mail_admins: mail })}
          onClose={() => setRejecting(false)}
        />
      ) : null}
    </div>
  );
}

function Schemas({ make }: { make: React.ReactNode }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const query = useInfiniteQuery(schemasOf(useApi(), project));
  const rows: EventSchema[] | undefined = query.data?.pages.flatMap((page) => page.items);
  return (
    <Panel
      title={t("quality.plan.list")}
      query={{ ...query, data: rows } as never}
      isEmpty={(items: EventSchema[]) => items.length === 0}
      empty={
        <div className="empty">
          <FileJson2 size={24} aria-hidden="true" />
          <p>{t("quality.plan.none")}</p>
          {make}
        </div>
      }
    >
      {(items: EventSchema[]) => (
        <div>
          <ListTable
            caption={t("quality.plan.list")}
            rows={items}
            rowKey={(one) => one.id}
            columns={[
              {
                name: t("quality.plan.event"),
                cell: (one) => (
                  <Link
                    to="/p/$project/plan/$schema"
                    params={{ project, schema: one.id }}
                    search={sharedOf as never}
                    className="event-name"
                  >
                    <bdi>{one.event}</bdi>
                  </Link>
                ),
              },
              { name: t("quality.plan.version"), cell: (one) => one.version },
              {
                name: t("quality.plan.promise"),
                kind: "wide",
                cell: (one) => t(`quality.plan.promises.${one.compatibility}`),
              },
              {
                name: t("quality.plan.changed"),
                kind: "narrow",
                cell: (one) => (
                  <time dateTime={one.updated_at}>{formatMoment(one.updated_at, timezone, language, true)}</time>
                ),
              },
            ]}
          />
          {query.hasNextPage ? (
            <p className="more-line">
              <button type="button" className="button" onClick={() => void query.fetchNextPage()}>
                {t("events.more")}
              </button>
            </p>
          ) : null}
        </div>
      )}
    </Panel>
  );
}
