import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft, Download, Pencil, Trash2, Upload } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import {
  at,
  type MembersAnswer,
  removeSegment,
  type Segment as Saved,
  type SizeAnswer,
  segmentOf,
  sizeOf,
  uploadList,
} from "../api/segments";
import { download } from "../charts/table";
import { useTexts } from "../i18n";
import { formatNumber, formatPercent, formatPoint } from "../i18n/format";
import { useSentence } from "../panels/ConditionText";
import { Controls } from "../panels/Controls";
import { PagedPanel } from "../panels/PagedPanel";
import { Panel } from "../panels/Panel";
import { PersonLink } from "../panels/PeopleBehind";
import { type SeriesAnswer, SeriesChart } from "../panels/SeriesChart";
import { UploadForm } from "../panels/UploadForm";
import { useMay } from "../state/may";
import { daysOf, type Interval, type Span } from "../state/range";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { Confirm } from "../ui/Confirm";

type Member = MembersAnswer["items"][number];
const MOST_POINTS = 60;

/** One segment: how many are in it, how that changed, and who they are. */
export default function Segment() {
  const { t } = useTexts();
  const { segment: id } = useParams({ from: "/inside/p/$project/segments/$segment" });
  const { project } = useScope();
  const query = useQuery(segmentOf(useApi(), project, id));
  return (
    <>
      <p className="back">
        <Link to="/p/$project/segments" params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t("nav.segments")}
        </Link>
      </p>
      <Controls title={query.data?.name ?? t("segments.one")} bare />
      <div className="stack">
        <div className="grid halves">
          <About query={query} id={id} />
          <Growth id={id} name={query.data?.name ?? ""} />
        </div>
        <Members id={id} name={query.data?.name ?? ""} />
      </div>
    </>
  );
}

function About({ query, id }: { query: ReturnType<typeof useQuery<Saved>>; id: string }) {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const writes = useMay()("definitions.write");
  const sentence = useSentence();
  const size = useQuery(sizeOf(api, project, id)).data;
  const [removing, setRemoving] = useState(false);
  const [uploading, setUploading] = useState(false);
  const forget = () => client.invalidateQueries({ queryKey: [project] });
  return (
    <Panel
      title={t("segments.what")}
      query={query}
      className="short"
      actions={
        writes && query.data ? (
          <>
            {query.data.kind === "dynamic" ? (
              <Link
                to="/p/$project/segments/$segment/edit"
                params={{ project, segment: id }}
                search={sharedOf as never}
                className="icon-button"
                aria-label={t("segments.edit")}
                title={t("segments.edit")}
              >
                <Pencil size={16} aria-hidden="true" />
              </Link>
            ) : (
              <button
                type="button"
                className="icon-button"
                aria-label={t("segments.replace")}
                title={t("segments.replace")}
                onClick={() => setUploading(true)}
              >
                <Upload size={16} aria-hidden="true" />
              </button>
            )}
            <button
              type="button"
              className="icon-button"
              aria-label={t("segments.remove")}
              title={t("segments.remove")}
              onClick={() => setRemoving(true)}
            >
              <Trash2 size={16} aria-hidden="true" />
            </button>
          </>
        ) : null
      }
    >
      {(segment) => (
        <div className="stack">
          <p className="big-number">
            <strong>{size ? formatNumber(size.size, language) : "…"}</strong>
            <span className="faint">
              {size
                ? t("segments.ofPeople", {
                    people: formatNumber(size.of_people, language),
                    share: size.share === null ? "–" : formatPercent(size.share, language),
                  })
                : ""}
            </span>
          </p>
          {segment.description ? <p className="text">{segment.description}</p> : null}
          <p className="faint text">{segment.definition ? sentence(segment.definition) : t("segments.static")}</p>
          {removing ? (
            <Confirm
              title={t("segments.removeTitle", { name: segment.name })}
              about={t("segments.removeAbout")}
              action={t("segments.remove")}
              run={async () => {
                await removeSegment(api, project, id);
                await navigate({ to: "/p/$project/segments", params: { project }, search: sharedOf as never });
                // Only the list: what is not there any more is not asked for.
                void client.invalidateQueries({ queryKey: [project, "segments"], exact: true });
              }}
              onClose={() => setRemoving(false)}
            />
          ) : null}
          {uploading ? (
            <UploadForm
              send={async ({ list, ...wanted }) => {
                const done = await uploadList(api, project, list, wanted, id);
                await forget();
                return done;
              }}
              onDone={() => setUploading(false)}
              onClose={() => setUploading(false)}
            />
          ) : null}
        </div>
      )}
    </Panel>
  );
}

/** The shortest interval that cuts a range into few enough points. */
function intervalFor(span: Span): Interval {
  const days = span.from.includes("T") ? 1 : daysOf(span);
  if (days <= 2) return "hour";
  if (days <= MOST_POINTS) return "day";
  return days <= MOST_POINTS * 7 ? "week" : "month";
}

function Growth({ id, name }: { id: string; name: string }) {
  const { t, language } = useTexts();
  const { project, span, timezone } = useScope();
  const interval = intervalFor(span);
  const query = useQuery(sizeOf(useApi(), project, id, { ...span, timezone, interval }));
  const title = t("segments.growth");
  const series = ({ points }: SizeAnswer): SeriesAnswer => ({
    interval,
    incomplete_from: null,
    compare: null,
    series: [
      {
        key: name,
        other: false,
        total: points.at(-1)?.size ?? 0,
        points: points.map((one): [string, number] => [one.time, one.size]),
      },
    ],
  });
  return (
    <Panel
      title={title}
      query={query}
      isEmpty={({ points }) => points.every((one) => one.size === 0)}
      empty={
        <div className="empty">
          <p>{t("segments.nobody")}</p>
        </div>
      }
      figure={{
        sentence: ({ points }) => {
          const first = points[0];
          const last = points.at(-1);
          return first && last
            ? t("segments.growthSaid", {
                first: formatNumber(first.size, language),
                last: formatNumber(last.size, language),
                from: formatPoint(first.time, interval, language),
                to: formatPoint(last.time, interval, language),
              }).replace("..", ".") // a Russian date ends with a full stop of its own
            : "";
        },
        table: ({ points }) => ({
          name: "segment-size",
          columns: [t("measure.time"), t("segments.size")],
          rows: points.map((one) => [formatPoint(one.time, interval, language), one.size]),
        }),
      }}
    >
      {(answer) => <SeriesChart answer={series(answer)} label={title} all={name} kind="line" />}
    </Panel>
  );
}

function Members({ id, name }: { id: string; name: string }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const exports = useMay()("exports.read");
  const ask = (cursor: string, signal: AbortSignal) =>
    api.call<MembersAnswer>(`${at(id)}/members`, { project, signal, query: { limit: 50, cursor } });
  return (
    <PagedPanel<Member>
      title={t("segments.members")}
      queryKey={[project, "segments", id, "members"]}
      ask={ask}
      everyMs={0}
      rowKey={({ person }) => person}
      empty={
        <div className="empty">
          <p>{t("segments.nobody")}</p>
        </div>
      }
      actions={
        exports ? (
          <button
            type="button"
            className="link with-icon"
            onClick={() =>
              void api
                .file(`${at(id)}/members`, { project, query: { format: "csv", limit: 100_000 } })
                .then(({ content }) => download(`${name || "segment"}.csv`, content))
            }
          >
            <Download size={15} aria-hidden="true" />
            {t("panel.csv")}
          </button>
        ) : null
      }
      columns={[{ name: t("people.person"), cell: ({ person }) => <PersonLink id={person} /> }]}
    />
  );
}
