import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Plus, Upload, UsersRound } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { overlapOf, type Segment, segmentsOf, sizeOf, uploadList } from "../api/segments";
import { BarList } from "../charts/BarList";
import { useTexts } from "../i18n";
import { formatAgo, formatNumber } from "../i18n/format";
import { useSentence } from "../panels/ConditionText";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { UploadForm } from "../panels/UploadForm";
import { useAsk } from "../state/ask";
import { textsOf } from "../state/asked";
import { useMay } from "../state/may";
import { useNow } from "../state/now";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";

const FEWEST = 2;
const MOST = 5;

/** Saved cohorts: what each is, how many are in it, and what several have in common. */
export default function Segments() {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const writes = useMay()("definitions.write");
  const now = useNow(60_000);
  const sentence = useSentence();
  const query = useQuery(segmentsOf(api, project));
  const [uploading, setUploading] = useState(false);
  const [{ chosen }, change] = useAsk((asked) => ({ chosen: textsOf(asked.chosen, MOST) }));
  const { mutateAsync } = useMutation({
    mutationFn: ({ list, ...wanted }: Parameters<Parameters<typeof UploadForm>[0]["send"]>[0]) =>
      uploadList(api, project, list, wanted),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, "segments"] }),
  });
  const toggle = (id: string) =>
    change({ chosen: chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id].slice(-MOST) });
  return (
    <>
      <div className="controls">
        <h1>{t("nav.segments")}</h1>
        {writes ? (
          <div className="control-row">
            <button type="button" className="button" onClick={() => setUploading(true)}>
              <Upload size={16} aria-hidden="true" />
              {t("segments.upload")}
            </button>
            <Link
              to="/p/$project/segments/new"
              params={{ project }}
              search={sharedOf as never}
              className="button primary"
            >
              <Plus size={16} aria-hidden="true" />
              {t("segments.make")}
            </Link>
          </div>
        ) : null}
      </div>
      <p className="about">{t("segments.about")}</p>
      <div className="stack">
        <Panel
          title={t("segments.list")}
          query={query}
          isEmpty={(segments) => segments.length === 0}
          empty={
            <div className="empty">
              <UsersRound size={24} aria-hidden="true" />
              <p>{t("segments.none")}</p>
              {writes ? (
                <Link to="/p/$project/segments/new" params={{ project }} search={sharedOf as never} className="button">
                  {t("segments.make")}
                </Link>
              ) : null}
            </div>
          }
        >
          {(segments) => (
            <ListTable
              caption={t("segments.list")}
              className="segments-table"
              rows={segments}
              rowKey={({ id }) => id}
              columns={[
                {
                  name: t("projects.name"),
                  cell: (one) => (
                    <>
                      <Link
                        to="/p/$project/segments/$segment"
                        params={{ project, segment: one.id }}
                        search={sharedOf as never}
                        className="event-name"
                      >
                        <bdi>{one.name}</bdi>
                      </Link>
                      <span className="under">
                        {one.description || (one.definition ? sentence(one.definition) : t("segments.static"))}
                      </span>
                    </>
                  ),
                },
                { name: t("segments.kind"), kind: "wide", cell: (one) => t(`segments.kinds.${one.kind}`) },
                {
                  name: t("segments.size"),
                  cell: (one) => <Size segment={one} now={now} />,
                },
                {
                  name: t("segments.compare"),
                  kind: "narrow",
                  cell: (one) => (
                    <input
                      type="checkbox"
                      className="check"
                      aria-label={t("segments.compareOne", { name: one.name })}
                      checked={chosen.includes(one.id)}
                      onChange={() => toggle(one.id)}
                    />
                  ),
                },
              ]}
            />
          )}
        </Panel>
        {chosen.length >= FEWEST && query.data ? (
          <Overlap segments={query.data.filter(({ id }) => chosen.includes(id))} />
        ) : query.data && query.data.length >= FEWEST ? (
          <p className="faint">{t("segments.overlapHint", { most: MOST })}</p>
        ) : null}
      </div>
      {uploading ? (
        <UploadForm
          named
          onClose={() => setUploading(false)}
          send={mutateAsync}
          onDone={({ segment }) =>
            void navigate({
              to: "/p/$project/segments/$segment",
              params: { project, segment: segment.id },
              search: sharedOf as never,
            })
          }
        />
      ) : null}
    </>
  );
}

/** How many were in it when it was last looked at; one that nobody has looked at yet is counted now. */
function Size({ segment, now }: { segment: Segment; now: number }) {
  const { language } = useTexts();
  const { project } = useScope();
  const fresh = useQuery({ ...sizeOf(useApi(), project, segment.id), enabled: segment.size === null }).data;
  const size = segment.size ?? fresh?.size;
  return (
    <>
      {size === undefined ? "…" : formatNumber(size, language)}
      {segment.seen_at ? <span className="under">{formatAgo(segment.seen_at, now, language)}</span> : null}
    </>
  );
}

/** How many are in each, in all and in every combination. */
function Overlap({ segments }: { segments: readonly Segment[] }) {
  const { t, language } = useTexts();
  const { project } = useScope();
  const query = useQuery(
    overlapOf(
      useApi(),
      project,
      segments.map(({ id }) => id),
    ),
  );
  const nameOf = (id: string) => segments.find((one) => one.id === id)?.name ?? id;
  const partName = (ids: readonly string[]) =>
    ids.length === 1 ? t("segments.only", { name: nameOf(ids[0] ?? "") }) : ids.map(nameOf).join(" ∩ ");
  const title = t("segments.overlap");
  const columns: [string, string, string] = [t("segments.part"), t("analysis.people"), t("measure.share")];
  const number = (value: number) => formatNumber(value, language);
  return (
    <Panel
      title={title}
      query={query}
      className="short"
      figure={{
        own: true,
        sentence: ({ any, all }) => t("segments.overlapSaid", { any: number(any), all: number(all) }),
        table: ({ parts, any }) => ({
          name: "overlap",
          columns,
          rows: parts.map((one) => [partName(one.segments), one.people, any ? one.people / any : null]),
        }),
      }}
    >
      {({ parts, any }) => (
        <BarList
          caption={title}
          columns={columns}
          language={language}
          rows={parts.map((one) => ({
            name: partName(one.segments),
            value: one.people,
            share: any ? one.people / any : null,
          }))}
        />
      )}
    </Panel>
  );
}
