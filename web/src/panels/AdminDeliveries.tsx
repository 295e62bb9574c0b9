import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Send } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useApi } from "../api/client";
import {
  type Attempt,
  channels,
  type Delivery,
  deliveriesPage,
  delivery,
  resend,
  type State,
  type Which,
  webhooks,
} from "../api/webhooks";
import { useTexts } from "../i18n";
import { formatAgo, formatDuration, formatMoment, formatNumber } from "../i18n/format";
import { useMay } from "../state/may";
import { notBefore, useNow } from "../state/now";
import { useScope } from "../state/scope";
import { FormError } from "../ui/AccountPage";
import { CodeBlock } from "../ui/CodeBlock";
import { Dialog } from "../ui/dialog";
import { Segmented } from "../ui/form";
import { Facts } from "./JobParts";
import { ListTable } from "./ListTable";
import { PagedPanel } from "./PagedPanel";
import { Panel } from "./Panel";

const STATES = ["", "queued", "delivered", "failed"] as const;
const LOOKS = { queued: "state queued", delivered: "state stored", failed: "state dropped" } as const;

export function DeliveryState({ state }: { state: State }) {
  const { t } = useTexts();
  return <span className={LOOKS[state]}>{t(`admin.deliveries.states.${state}`)}</span>;
}

/** What was sent to one receiver, or to anybody: each with its tries, the body, and how to send it again. */
export function Deliveries({ of }: { of?: { which: Which; id: string } }) {
  const { t, language } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const now = useNow(30_000);
  const [state, setState] = useState<(typeof STATES)[number]>("");
  const nameOf = useReceiverNames(!of);
  return (
    <PagedPanel<Delivery>
      title={of ? t("admin.deliveries.title") : t("admin.deliveries.all")}
      queryKey={[project, "/api/v1/webhooks/deliveries", of?.id ?? "", state]}
      ask={(cursor, signal) => deliveriesPage(api, project, of, { state, cursor }, signal)}
      everyMs={10_000}
      className="wide short"
      tableClass="deliveries-table"
      rowKey={({ id }) => id}
      actions={
        <Segmented
          label={t("admin.deliveries.state")}
          value={state}
          options={STATES.map((value) => ({ value, text: t(`admin.deliveries.shown.${value || "all"}`) }))}
          onChange={setState}
        />
      }
      empty={<p className="empty">{t("admin.deliveries.none")}</p>}
      opens={{
        column: t("admin.deliveries.what"),
        name: t("admin.deliveries.one"),
        face: (one) => one.event_type,
        label: (one) =>
          t("admin.deliveries.open", {
            type: one.event_type,
            ago: formatAgo(one.created_at, notBefore(one.created_at, now), language),
          }),
      }}
      columns={[
        ...(of
          ? []
          : [
              {
                name: t("admin.deliveries.to"),
                kind: "wide" as const,
                cell: (one: Delivery) => <bdi>{one.address ?? nameOf(one.webhook_id) ?? "–"}</bdi>,
              },
            ]),
        { name: t("admin.deliveries.state"), cell: (one) => <DeliveryState state={one.state} /> },
        {
          name: t("admin.deliveries.tries"),
          kind: "wide",
          cell: (one) => formatNumber(one.attempts, language),
        },
        {
          name: t("admin.deliveries.when"),
          kind: "narrow",
          cell: (one) => (
            <time dateTime={one.created_at}>{formatAgo(one.created_at, notBefore(one.created_at, now), language)}</time>
          ),
        },
      ]}
      whole={(one) => <DeliveryView id={one.id} name={one.address ?? nameOf(one.webhook_id)} />}
    />
  );
}

/** Webhooks by their address, channels by their name. */
function useReceiverNames(enabled: boolean) {
  const { project } = useScope();
  const api = useApi();
  const hooks = useQuery({ ...webhooks(api, project), enabled }).data;
  const rooms = useQuery({ ...channels(api, project), enabled }).data;
  return (id: string | null) =>
    hooks?.find((one) => one.id === id)?.url ?? rooms?.find((one) => one.id === id)?.name ?? undefined;
}

/** A delivery in a dialog of its own, such as a test that was just sent: it is looked at until it has ended. */
export function DeliveryDialog(props: {
  id: string;
  title: string;
  to: { which: Which; id: string };
  onClose: () => void;
}) {
  const { t } = useTexts();
  return (
    <Dialog title={props.title} close={t("events.close")} onClose={props.onClose} wide>
      <DeliveryView id={props.id} fresh={props.to} />
    </Dialog>
  );
}

function DeliveryView({ id, name, fresh }: { id: string; name?: string; fresh?: { which: Which; id: string } }) {
  const { t } = useTexts();
  const { project } = useScope();
  const query = useQuery(delivery(useApi(), project, id, fresh));
  return (
    <Panel title={t("admin.deliveries.one")} query={query} className="plain short titleless">
      {(one) => (
        <div className="stack">
          <About one={one} name={name} />
          <Again one={one} />
          <h3>{t("admin.deliveries.log")}</h3>
          {one.log.length ? <Tries log={one.log} /> : <p className="faint">{t("admin.deliveries.noTry")}</p>}
          {one.content ? (
            <>
              <h3>{t("admin.deliveries.content")}</h3>
              <CodeBlock code={pretty(one.content)} />
            </>
          ) : null}
        </div>
      )}
    </Panel>
  );
}

function About({ one, name }: { one: Delivery; name?: string }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  const rows: [string, ReactNode][] = [
    [t("admin.deliveries.what"), <code key="type">{one.event_type}</code>],
    ...(name ? ([[t("admin.deliveries.to"), <bdi key="to">{name}</bdi>]] as [string, ReactNode][]) : []),
    [t("admin.deliveries.state"), <DeliveryState key="state" state={one.state} />],
    [t("admin.deliveries.when"), formatMoment(one.created_at, timezone, language)],
  ];
  if (one.state === "queued" && one.next_at && one.attempts)
    rows.push([t("admin.deliveries.next"), formatMoment(one.next_at, timezone, language)]);
  return (
    <>
      <Facts facts={rows} />
      {one.state === "failed" && one.error ? <p className="form-error">{one.error}</p> : null}
    </>
  );
}

/** What has ended can be sent again, unless its receiver is off. */
function Again({ one }: { one: Delivery }) {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("webhooks.write");
  const hooks = useQuery(webhooks(api, project)).data ?? [];
  const rooms = useQuery(channels(api, project)).data ?? [];
  const off = [...hooks, ...rooms].some(({ id, enabled }) => id === one.webhook_id && !enabled);
  const again = useMutation({
    mutationFn: () => resend(api, project, one.id),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, "/api/v1/webhooks/deliveries"] }),
  });
  if (!writes || one.state === "queued") return null;
  if (off) return <p className="faint">{t("admin.deliveries.off")}</p>;
  return (
    <>
      <FormError error={again.error ?? undefined} />
      <p>
        <button
          type="button"
          className="button"
          aria-busy={again.isPending}
          onClick={() => again.isPending || again.mutate()}
        >
          <Send size={15} aria-hidden="true" />
          {t("admin.deliveries.again")}
        </button>
      </p>
    </>
  );
}

function Tries({ log }: { log: readonly Attempt[] }) {
  const { t, language } = useTexts();
  const { timezone } = useScope();
  return (
    <ListTable
      caption={t("admin.deliveries.log")}
      rows={log}
      rowKey={({ number }) => String(number)}
      className="tries-table"
      columns={[
        { name: t("admin.deliveries.when"), cell: (one) => formatMoment(one.at, timezone, language) },
        {
          name: t("admin.deliveries.took"),
          kind: "wide",
          cell: (one) => formatDuration(one.took_ms / 1000, language),
        },
        {
          name: t("admin.deliveries.status"),
          cell: (one) => (
            <span className={one.error ? "state dropped" : "state stored"}>
              {one.status ?? t("admin.deliveries.noAnswer")}
            </span>
          ),
        },
        {
          name: t("admin.deliveries.answer"),
          cell: (one) => <span className="wrapped">{[one.error, one.answer].filter(Boolean).join(" – ") || "–"}</span>,
        },
      ]}
    />
  );
}

/** JSON with its lines; what is none, such as a mail, as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
