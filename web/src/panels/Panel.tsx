import type { UseQueryResult } from "@tanstack/react-query";
import { Ellipsis, RotateCw, TriangleAlert } from "lucide-react";
import { Component, createContext, type ReactNode, useContext, useId, useRef, useState } from "react";
import { ApiError } from "../api/problem";
import { downloadPng } from "../charts/png";
import { downloadCsv, type Table } from "../charts/table";
import { useTexts } from "../i18n";
import { Menu, MenuItem } from "../ui/menu";
import { DataTable } from "./DataTable";
import { Empty } from "./Empty";

/** Whether panels have a height of their own, in which what they show scrolls. */
export const Scrolling = createContext(false);

type Asked<Data> = Pick<UseQueryResult<Data>, "data" | "error" | "isPending" | "isFetching" | "refetch">;

export interface PanelProps<Data> {
  title: string;
  query: Asked<Data>;
  children: (data: Data) => ReactNode;
  isEmpty?: (data: Data) => boolean;
  /** What stands there instead of the general words for "nothing". */
  empty?: ReactNode;
  /** What the chart shows: a sentence, and the same data as rows. `own` when the children are a table already. */
  figure?: { sentence: (data: Data) => string; table: (data: Data) => Table; own?: boolean; quiet?: boolean };
  actions?: ReactNode;
  className?: string;
}

/**
 * A card that asks the server something. It draws one of five states: first load, ready, refreshing, empty and failed;
 * whatever happens inside stays inside.
 */
export function Panel<Data>(props: PanelProps<Data>) {
  const { t } = useTexts();
  return (
    <Boundary
      fallback={(retry) => (
        <section className={`panel ${props.className ?? ""}`} aria-label={props.title}>
          <header className="panel-head">
            <h2>{props.title}</h2>
          </header>
          <div className="panel-body">
            <Failed error={new Error(t("panel.failed.drawing"))} retry={retry} />
          </div>
        </section>
      )}
    >
      <Inside {...props} />
    </Boundary>
  );
}

function Inside<Data>({ title, query, children, isEmpty, empty, figure, actions, className }: PanelProps<Data>) {
  const { t } = useTexts();
  const [asTable, setAsTable] = useState(false);
  const body = useRef<HTMLDivElement>(null);
  const id = useId();
  const scrolls = useContext(Scrolling);
  const { data, error, isPending, isFetching } = query;
  const nothing = data !== undefined && isEmpty?.(data);
  const ready = data !== undefined && !nothing;
  const picture = () =>
    body.current?.querySelector<SVGSVGElement>("svg.recharts-surface, .pie svg, .minutes svg, svg.drawing") ?? null;
  return (
    <section className={`panel ${className ?? ""}`} aria-labelledby={id} aria-busy={isFetching}>
      <header className="panel-head">
        <h2 id={id}>{title}</h2>
        <div className="panel-actions">
          {actions}
          {ready && figure ? (
            <Menu
              label={t("panel.more", { title })}
              className="icon-button"
              align="end"
              trigger={<Ellipsis size={18} />}
            >
              {figure.own ? null : (
                <>
                  <MenuItem onSelect={() => setAsTable(!asTable)}>
                    {asTable ? t("panel.chart") : t("panel.table")}
                  </MenuItem>
                  {asTable ? null : (
                    <MenuItem onSelect={() => void save(picture(), figure.table(data).name)}>{t("panel.png")}</MenuItem>
                  )}
                </>
              )}
              <MenuItem onSelect={() => downloadCsv(figure.table(data))}>{t("panel.csv")}</MenuItem>
            </Menu>
          ) : null}
        </div>
      </header>
      {isFetching && data !== undefined ? (
        <div className="panel-bar" role="progressbar" aria-label={t("panel.refreshing")} />
      ) : null}
      {/* What scrolls must be reachable by keyboard. */}
      <div className="panel-body" ref={body} {...(scrolls && { tabIndex: 0, role: "group", "aria-labelledby": id })}>
        {error && data === undefined ? (
          <Failed error={error} retry={() => void query.refetch()} />
        ) : isPending || data === undefined ? (
          <div className="skeleton" role="status" aria-label={t("panel.loading")} />
        ) : nothing ? (
          (empty ?? <Empty />)
        ) : (
          <Boundary
            key={String(asTable)}
            fallback={(retry) => <Failed error={new Error(t("panel.failed.drawing"))} retry={retry} />}
          >
            <Drawn
              draw={() =>
                figure ? (
                  <figure aria-labelledby={id} aria-describedby={`${id}-said`}>
                    {asTable ? <DataTable table={figure.table(data)} caption={title} /> : children(data)}
                    <figcaption id={`${id}-said`} className={figure.quiet ? "hidden" : "said"}>
                      {figure.sentence(data)}
                    </figcaption>
                  </figure>
                ) : (
                  children(data)
                )
              }
            />
          </Boundary>
        )}
      </div>
      {error && data !== undefined ? <Failed error={error} retry={() => void query.refetch()} small /> : null}
    </section>
  );
}

/** A component of its own, so that what it throws reaches the boundary around it. */
function Drawn({ draw }: { draw: () => ReactNode }) {
  return draw();
}

async function save(svg: SVGSVGElement | null, name: string): Promise<void> {
  if (svg) await downloadPng(svg, name);
}

function Failed({ error, retry, small }: { error: Error; retry: () => void; small?: boolean }) {
  const { t } = useTexts();
  const problem = error instanceof ApiError ? error : undefined;
  return (
    <div className={small ? "failed small" : "failed"} role="alert">
      <TriangleAlert size={small ? 16 : 22} aria-hidden="true" />
      <div>
        <p>{sentenceOf(error, t)}</p>
        {problem?.requestId ? <p className="faint">{t("panel.requestId", { id: problem.requestId })}</p> : null}
      </div>
      <button type="button" className="button" onClick={retry}>
        <RotateCw size={15} aria-hidden="true" />
        {t("panel.retry")}
      </button>
    </div>
  );
}

export function sentenceOf(error: Error, t: ReturnType<typeof useTexts>["t"]): string {
  if (!(error instanceof ApiError)) return error.message;
  if (error.status === 0) return t("panel.failed.unreachable");
  if (error.status === 429) return t("panel.failed.limited", { seconds: error.retryAfter || 1 });
  if (error.status === 403) return error.detail || t("panel.failed.forbidden");
  if (error.status >= 500) return t("panel.failed.server");
  return error.detail || error.code;
}

/** What fails while drawing leaves a message in its place instead of a blank page. */
export class Boundary extends Component<
  { fallback: (retry: () => void) => ReactNode; children: ReactNode },
  { failed: boolean }
> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    return this.state.failed ? this.props.fallback(() => this.setState({ failed: false })) : this.props.children;
  }
}
