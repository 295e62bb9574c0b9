import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft, Pencil, Power, Send, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useApi } from "../api/client";
import { type Channel, LISTS, receivers, remove, save, sendTest, type Webhook, type Which } from "../api/webhooks";
import { useTexts } from "../i18n";
import { formatAgo } from "../i18n/format";
import { useMay } from "../state/may";
import { useNow } from "../state/now";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError } from "../ui/AccountPage";
import { Confirm } from "../ui/Confirm";
import { Deliveries, DeliveryDialog } from "./AdminDeliveries";
import { Facts } from "./JobParts";
import { Panel } from "./Panel";

type Receiver = Webhook | Channel;
const PAGES = {
  webhook: { list: "/p/$project/webhooks", one: "/p/$project/webhooks/$receiver" },
  channel: { list: "/p/$project/channels", one: "/p/$project/channels/$receiver" },
} as const;

export const nameOf = (one: Receiver) => ("name" in one ? one.name : one.description || one.url);

/** Whether it gets anything: on, failing since, or off and why. */
export function ReceiverState({ one }: { one: Receiver }) {
  const { t, language } = useTexts();
  const now = useNow(60_000);
  if (!one.enabled) return <span className="state dropped">{t("admin.receivers.off")}</span>;
  if (one.failing_since)
    return (
      <span className="state queued">
        {t("admin.receivers.failing", { ago: formatAgo(one.failing_since, now, language) })}
      </span>
    );
  return <span className="state stored">{t("admin.receivers.on")}</span>;
}

export function LastDelivered({ one }: { one: Receiver }) {
  const { t, language } = useTexts();
  const now = useNow(60_000);
  return one.last_delivered_at ? formatAgo(one.last_delivered_at, now, language) : t("apiKeys.never");
}

export function Types({ types }: { types: readonly string[] }) {
  return (
    <span className="tags">
      {types.map((type) => (
        <code key={type} className="state">
          {type}
        </code>
      ))}
    </span>
  );
}

export function ReceiverLink({ which, one }: { which: Which; one: Receiver }) {
  const { project } = useScope();
  return (
    <Link
      to={PAGES[which].one}
      params={{ project, receiver: one.id }}
      search={sharedOf as never}
      className="event-name"
    >
      <bdi>{nameOf(one)}</bdi>
    </Link>
  );
}

interface Shown<Item> {
  which: Which;
  /** What is particular to it, beside its types and its state. */
  facts: (one: Item) => [term: string, value: ReactNode][];
  /** Buttons beside those that all have. */
  more?: (one: Item) => ReactNode;
  editing: (one: Item, close: () => void) => ReactNode;
}

/** One webhook or channel: what it is told, how it is, and everything that was sent to it. */
export function ReceiverPage<Item extends Receiver>({ which, facts, more, editing }: Shown<Item>) {
  const { t } = useTexts();
  const { receiver: id } = useParams({ strict: false }) as { receiver: string };
  const { project } = useScope();
  const query = useQuery(receivers<Item>(useApi(), project, which));
  const one = query.data?.find((known) => known.id === id);
  const found = { ...query, data: query.data && (one ? [one] : []) };
  return (
    <>
      <p className="back">
        <Link to={PAGES[which].list} params={{ project }} search={sharedOf as never}>
          <ChevronLeft size={15} aria-hidden="true" />
          {t(`admin.nav.${which}s`)}
        </Link>
      </p>
      <div className="controls">
        <h1>
          <bdi>{one ? nameOf(one) : t(`admin.receivers.one.${which}`)}</bdi>
        </h1>
      </div>
      <div className="stack">
        <Panel
          title={t(`admin.receivers.one.${which}`)}
          query={found as never}
          className="short"
          isEmpty={(known: Item[]) => known.length === 0}
          empty={<p className="empty">{t("admin.receivers.gone")}</p>}
        >
          {([shown]: Item[]) =>
            shown ? (
              <div className="stack">
                <Facts
                  facts={[
                    ...facts(shown),
                    [t("admin.receivers.types"), <Types key="types" types={shown.types} />],
                    [t("apiKeys.state"), <ReceiverState key="state" one={shown} />],
                    [t("admin.receivers.last"), <LastDelivered key="last" one={shown} />],
                  ]}
                />
                {shown.disabled_reason ? (
                  <p className="form-error">{t("admin.receivers.because", { reason: shown.disabled_reason })}</p>
                ) : null}
                <Actions which={which} one={shown} more={more?.(shown)} editing={(close) => editing(shown, close)} />
              </div>
            ) : null
          }
        </Panel>
        {one ? <Deliveries of={{ which, id: one.id }} /> : null}
      </div>
    </>
  );
}

function Actions(props: { which: Which; one: Receiver; more: ReactNode; editing: (close: () => void) => ReactNode }) {
  const { t } = useTexts();
  const { which, one } = props;
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const writes = useMay()("webhooks.write");
  const [open, setOpen] = useState<"edit" | "remove">();
  const refresh = () => client.invalidateQueries({ queryKey: [project, LISTS[which]] });
  const test = useMutation({
    mutationFn: () => sendTest(api, project, which, one.id),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, "/api/v1/webhooks/deliveries"] }),
  });
  const power = useMutation({
    mutationFn: () => save(api, project, which, { enabled: !one.enabled }, one.id),
    onSuccess: refresh,
  });
  if (!writes) return null;
  const button = (text: string, Icon: typeof Send, onClick: () => void, busy = false) => (
    <button type="button" className="button" aria-busy={busy} onClick={() => busy || onClick()}>
      <Icon size={15} aria-hidden="true" />
      {text}
    </button>
  );
  return (
    <>
      <FormError error={test.error ?? power.error ?? undefined} />
      <div className="row">
        {one.enabled ? button(t("admin.receivers.test"), Send, () => test.mutate(), test.isPending) : null}
        {button(t("admin.receivers.edit"), Pencil, () => setOpen("edit"))}
        {props.more}
        {button(
          one.enabled ? t("admin.receivers.disable") : t("admin.receivers.enable"),
          Power,
          () => power.mutate(),
          power.isPending,
        )}
        {button(t("admin.receivers.remove"), Trash2, () => setOpen("remove"))}
      </div>
      {test.data ? (
        <DeliveryDialog
          id={test.data.id}
          title={t("admin.receivers.tested")}
          to={{ which, id: one.id }}
          onClose={test.reset}
        />
      ) : null}
      {open === "edit" ? props.editing(() => setOpen(undefined)) : null}
      {open === "remove" ? (
        <Confirm
          title={t("admin.receivers.removeTitle", { name: nameOf(one) })}
          about={t("admin.receivers.removeAbout")}
          action={t("admin.receivers.remove")}
          run={async () => {
            await remove(api, project, which, one.id);
            await navigate({ to: PAGES[which].list, params: { project }, search: sharedOf as never });
            await refresh();
          }}
          onClose={() => setOpen(undefined)}
        />
      ) : null}
    </>
  );
}
