import { type Delivery, type SentEvent, Sluice } from "@sluice/browser";
import { useQueries, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { Coffee, Lamp, type LucideIcon, NotebookPen, Search, Sprout } from "lucide-react";
import { Tabs } from "radix-ui";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { type BreakdownAnswer, type ReceiptAnswer, useApi } from "../api/client";
import { BarList } from "../charts/BarList";
import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";
import { Panel } from "../panels/Panel";
import { PublicKeyForm } from "../panels/PublicKeyForm";
import { usePublicKey } from "../state/publicKey";
import { useScope } from "../state/scope";
import { Field } from "../ui/form";

const PRODUCTS: readonly { id: "mug" | "notebook" | "lamp" | "plant"; price: number; Icon: LucideIcon }[] = [
  { id: "mug", price: 12, Icon: Coffee },
  { id: "notebook", price: 8, Icon: NotebookPen },
  { id: "lamp", price: 39, Icon: Lamp },
  { id: "plant", price: 18, Icon: Sprout },
];
type State = "waiting" | "queued" | "stored" | "dropped";
interface Line {
  event: SentEvent;
  state: State;
  receipt?: string;
}

/** A shop to click around in: each click is a real event of this project. */
export default function Playground() {
  const { t } = useTexts();
  const { project } = useParams({ from: "/inside/p/$project" });
  const publicKey = usePublicKey(project);
  return (
    <>
      <div className="controls">
        <h1>{t("playground.title")}</h1>
      </div>
      <p className="about">{t("playground.about")}</p>
      {publicKey.key ? (
        <Play key={publicKey.key} project={project} publicKey={publicKey.key} />
      ) : (
        <PublicKeyForm use={publicKey.use} make={publicKey.make} />
      )}
    </>
  );
}

function Play({ project, publicKey }: { project: string; publicKey: string }) {
  const { t } = useTexts();
  const { lines, client } = useStream(publicKey);
  const shown = useStored(project, lines);
  return (
    <div className="play">
      <section className="panel" aria-label={t("playground.shop")}>
        <Shop track={(event, properties) => client?.track(event, properties)} />
      </section>
      <div className="steps">
        <section className="panel shop" aria-labelledby="stream">
          <h2 id="stream">{t("playground.stream")}</h2>
          {shown.length ? (
            <ul className="stream" aria-live="polite">
              {[...shown]
                .reverse()
                .slice(0, 12)
                .map(({ event, state }) => (
                  <li key={event.id}>
                    <span>
                      <b>{event.event}</b> <span className="faint">{Object.values(event.properties).join(" · ")}</span>
                    </span>
                    <span className={`state ${state}`}>{t(`playground.states.${state}`)}</span>
                  </li>
                ))}
            </ul>
          ) : (
            <p className="faint">{t("playground.nothing")}</p>
          )}
        </section>
        {client ? <Counted session={client.sessionId} sent={shown.length} /> : null}
      </div>
    </div>
  );
}

/** The browser library, and what became of each event it was given. */
function useStream(publicKey: string) {
  const [lines, setLines] = useState<Line[]>([]);
  const [client, setClient] = useState<{ track: Sluice["track"]; sessionId: string }>();
  useEffect(() => {
    const settle = (events: readonly SentEvent[], state: State, receipt?: string) =>
      setLines((old) =>
        old.map((line) => (events.some(({ id }) => id === line.event.id) ? { ...line, state, receipt } : line)),
      );
    const sluice = new Sluice(publicKey, {
      persistence: "memory",
      pageViews: false,
      // These are the reader's own clicks in their own project, made to be seen.
      respectDoNotTrack: false,
      flushInterval: 300,
      onTracked: (event) => setLines((old) => [...old, { event, state: "waiting" }]),
      onDelivered: ({ events, receipt, rejected }: Delivery) => {
        settle(events, "queued", receipt);
        settle(
          rejected.flatMap(({ index }) => events[index] ?? []),
          "dropped",
        );
      },
      onDropped: (events) => settle(events, "dropped"),
    });
    setClient({ track: sluice.track.bind(sluice), sessionId: sluice.sessionId });
    return () => sluice.stop();
  }, [publicKey]);
  return { lines, client };
}

/** Asks each receipt until its events are stored. */
function useStored(project: string, lines: readonly Line[]): readonly Line[] {
  const api = useApi();
  const receipts = useMemo(() => [...new Set(lines.flatMap(({ receipt }) => receipt ?? []))], [lines]);
  const answers = useQueries({
    queries: receipts.map((receipt) => ({
      queryKey: [project, "receipt", receipt],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        api.call<ReceiptAnswer>(`/api/v1/receipts/${receipt}`, { project, signal }),
      refetchInterval: (query: { state: { data?: ReceiptAnswer } }) => query.state.data?.state !== "stored" && 400,
    })),
  });
  const stored = new Set(receipts.filter((_, index) => answers[index]?.data?.state === "stored"));
  return lines.map((line) =>
    line.state === "queued" && stored.has(line.receipt ?? "") ? { ...line, state: "stored" } : line,
  );
}

function Counted({ session, sent }: { session: string; sent: number }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const query = useQuery({
    queryKey: [project, "playground", session],
    queryFn: ({ signal }) => {
      const day = 86_400_000;
      const body = {
        from: new Date(Date.now() - day).toISOString(),
        to: new Date(Date.now() + day).toISOString(),
        timezone,
        by: "event",
        filters: [{ property: "session_id", op: "eq", value: session }],
      };
      return api.call<BreakdownAnswer>("/api/v1/query/breakdown", { project, body, signal });
    },
    refetchInterval: (known) => (known.state.data?.total ?? 0) < sent && 600,
  });
  // A new event wakes the question up again.
  const { refetch } = query;
  useEffect(() => void (sent && refetch()), [sent, refetch]);
  return (
    <Panel
      title={`${t("playground.chart")}: ${formatNumber(query.data?.total ?? 0, language)}`}
      query={query}
      isEmpty={(answer) => answer.rows.length === 0}
      empty={<p className="empty">{t("playground.nothing")}</p>}
    >
      {(answer) => (
        <BarList
          caption={t("playground.chart")}
          columns={[t("fields.event"), t("measure.count"), t("measure.share")]}
          language={language}
          rows={answer.rows.map(({ key, value, share }) => ({ name: String(key), value: value ?? 0, share }))}
        />
      )}
    </Panel>
  );
}

function Shop({ track }: { track: Sluice["track"] }) {
  const { t, language } = useTexts();
  const [cart, setCart] = useState<string[]>([]);
  const price = (value: number) =>
    formatNumber(value, language, { style: "currency", currency: "EUR", maximumFractionDigits: 0 });
  const total = cart.reduce((sum, id) => sum + (PRODUCTS.find((one) => one.id === id)?.price ?? 0), 0);
  const sendForm = (event: FormEvent<HTMLFormElement>, name: string, field: string) => {
    event.preventDefault();
    const value = String(new FormData(event.currentTarget).get(field) ?? "");
    // Who subscribes is nobody's business here: only that somebody did.
    if (value) track(name, field === "query" ? { query: value } : {});
    event.currentTarget.reset();
  };
  return (
    <div className="shop">
      <div className="shop-head">
        <h2>{t("playground.shop")}</h2>
        <span className="faint" aria-live="polite">
          {t("playground.cart", { count: cart.length, shown: cart.length })}
          {cart.length ? ` · ${price(total)}` : ""}
        </span>
      </div>
      <form className="shop-form" onSubmit={(event) => sendForm(event, "search", "query")}>
        <Field label={t("playground.search")} name="query" maxLength={200} required />
        <button type="submit" className="button">
          <Search size={16} aria-hidden="true" />
          {t("playground.searchGo")}
        </button>
      </form>
      <Tabs.Root defaultValue="products" onValueChange={(tab) => track("tab_opened", { tab })}>
        <Tabs.List className="shop-tabs" aria-label={t("playground.shop")}>
          {(["products", "reviews", "delivery"] as const).map((tab) => (
            <Tabs.Trigger key={tab} value={tab}>
              {t(`playground.tabs.${tab}`)}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <Tabs.Content value="products" className="products">
          {PRODUCTS.map(({ id, price: cost, Icon }) => {
            const product = t(`playground.products.${id}`);
            return (
              <article key={id} className="product">
                <button
                  type="button"
                  className="product-picture"
                  aria-label={t("playground.view", { product })}
                  onClick={() => track("product_view", { product: id, price: cost })}
                >
                  <Icon size={34} aria-hidden="true" />
                </button>
                <div className="product-line">
                  <span>{product}</span>
                  <span>{price(cost)}</span>
                </div>
                <button
                  type="button"
                  className="button"
                  aria-label={`${t("playground.add")}: ${product}`}
                  onClick={() => {
                    setCart([...cart, id]);
                    track("add_to_cart", { product: id, price: cost });
                  }}
                >
                  {t("playground.add")}
                </button>
              </article>
            );
          })}
        </Tabs.Content>
        <Tabs.Content value="reviews">{t("playground.reviews")}</Tabs.Content>
        <Tabs.Content value="delivery">{t("playground.delivery")}</Tabs.Content>
      </Tabs.Root>
      {cart.length ? (
        <button
          type="button"
          className="button primary"
          onClick={() => {
            track("purchase", { items: cart.length, revenue: total, currency: "EUR" });
            setCart([]);
          }}
        >
          {t("playground.buy")} · {price(total)}
        </button>
      ) : null}
      <form className="shop-form" onSubmit={(event) => sendForm(event, "newsletter_subscribed", "email")}>
        <Field
          label={t("playground.newsletter")}
          name="email"
          type="email"
          placeholder={t("playground.email")}
          required
        />
        <button type="submit" className="button">
          {t("playground.subscribe")}
        </button>
      </form>
    </div>
  );
}
