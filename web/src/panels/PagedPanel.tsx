import { type QueryKey, useInfiniteQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useTexts } from "../i18n";
import { Dialog } from "../ui/dialog";
import { type Column, ListTable } from "./ListTable";
import { Panel } from "./Panel";

interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

export interface PagedPanelProps<Item> {
  title: string;
  queryKey: QueryKey;
  /** One page, by the cursor of the page before ('' for the first one). */
  ask: (cursor: string, signal: AbortSignal) => Promise<Page<Item>>;
  /** How often the first page is asked for anew while it is the only one; 0 for never. */
  everyMs: number;
  columns: readonly Column<Item>[];
  rowKey: (item: Item) => string;
  /** What a row's button is called, shows, and opens; without it a row opens nothing. */
  opens?: { label: (item: Item) => string; face: (item: Item) => ReactNode; name: string; column: string };
  whole?: (item: Item, close: () => void) => ReactNode;
  actions?: ReactNode;
  empty?: ReactNode;
  className?: string;
  tableClass?: string;
}

/** A list that goes on page by page; each row opens the whole of what it is about. */
export function PagedPanel<Item>(props: PagedPanelProps<Item>) {
  const { t } = useTexts();
  const [shown, setShown] = useState<Item>();
  const query = useInfiniteQuery({
    queryKey: props.queryKey,
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => props.ask(pageParam, signal),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: (known) =>
      props.everyMs > 0 && (known.state.data?.pages.length ?? 1) === 1 ? props.everyMs : false,
  });
  const { opens } = props;
  const first: Column<Item>[] = opens
    ? [
        {
          name: opens.column,
          cell: (item) => (
            <button
              type="button"
              className="row-button"
              aria-label={opens.label(item)}
              onClick={() => setShown(() => item)}
            >
              {opens.face(item)}
            </button>
          ),
        },
      ]
    : [];
  return (
    <>
      <Panel
        title={props.title}
        query={{ ...query, data: query.data?.pages.flatMap((page) => page.items) } as never}
        className={props.className}
        isEmpty={(items: Item[]) => items.length === 0}
        empty={props.empty}
        actions={props.actions}
      >
        {(items: Item[]) => (
          <div>
            <ListTable
              caption={props.title}
              columns={[...first, ...props.columns]}
              rows={items}
              rowKey={props.rowKey}
              className={props.tableClass}
            />
            {query.hasNextPage ? (
              <p className="more-line">
                <button
                  type="button"
                  className="button"
                  aria-busy={query.isFetchingNextPage}
                  onClick={() => void query.fetchNextPage()}
                >
                  {t("events.more")}
                </button>
              </p>
            ) : null}
          </div>
        )}
      </Panel>
      {shown === undefined || !opens ? null : (
        <Dialog title={opens.name} close={t("events.close")} onClose={() => setShown(undefined)} wide>
          {props.whole?.(shown, () => setShown(undefined))}
        </Dialog>
      )}
    </>
  );
}
