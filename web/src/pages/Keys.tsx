import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { type ApiKey, createKey, keysOf, revokeKey, rotateKey, SCOPES, type Scope } from "../api/projects";
import { useTexts } from "../i18n";
import { formatAgo, formatDay, formatDuration } from "../i18n/format";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { useMay } from "../state/may";
import { useNow } from "../state/now";
import { useNew } from "../state/opened";
import { keepPublicKey } from "../state/publicKey";
import { FormError, useSubmit } from "../ui/AccountPage";
import { CodeBlock } from "../ui/CodeBlock";
import { Confirm } from "../ui/Confirm";
import { Dialog } from "../ui/dialog";
import { Checks, Field, Segmented, Select } from "../ui/form";

const DAY_MS = 86_400_000;
const LIVES = ["", "30", "90", "365"] as const;
const OVERLAPS = ["0", "24", "168", "720"] as const;

/** The project's API keys: make one, see what each may and when it was last used, replace one, end one. */
export default function Keys() {
  const { t, language } = useTexts();
  const { project } = useParams({ from: "/inside/p/$project" });
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("keys.write");
  const query = useQuery(keysOf(api, project));
  const [making, setMaking] = useNew();
  const [rotating, setRotating] = useState<ApiKey>();
  const [ending, setEnding] = useState<ApiKey>();
  const refresh = () => client.invalidateQueries({ queryKey: [project, "keys"] });
  const now = useNow(1_000);
  const over = (one: ApiKey) => one.expires_at !== null && Date.parse(one.expires_at) <= now;
  const open = (one: ApiKey) => !one.revoked_at && !over(one);
  /** The key that takes the place of one that is still taken, and the other way round. */
  const heirOf = (one: ApiKey) => query.data?.find((next) => next.rotated_from === one.id);
  const replaced = (one: ApiKey) => query.data?.find((old) => old.id === one.rotated_from && open(old));
  return (
    <>
      <div className="controls">
        <h1>{t("apiKeys.title")}</h1>
        {writes ? (
          <button type="button" className="button primary" onClick={() => setMaking(true)}>
            {t("apiKeys.make")}
          </button>
        ) : null}
      </div>
      <p className="about">{t("apiKeys.about")}</p>
      <Panel
        title={t("apiKeys.list")}
        query={query}
        isEmpty={(keys) => keys.length === 0}
        empty={
          <div className="empty">
            <KeyRound size={24} aria-hidden="true" />
            <p>{t("apiKeys.none")}</p>
          </div>
        }
      >
        {(keys) => (
          <ListTable
            caption={t("apiKeys.list")}
            className="keys-table"
            rows={keys.toSorted((a, b) => Number(open(b)) - Number(open(a)))}
            rowKey={(one) => one.id}
            columns={[
              {
                name: t("projects.name"),
                cell: (one) => (
                  <>
                    <bdi className="event-name">{one.name}</bdi>
                    <code className="under">{one.prefix}…</code>
                    {open(one) && replaced(one) ? (
                      <span className="under">{t("admin.keys.replaces", { prefix: replaced(one)?.prefix })}</span>
                    ) : null}
                  </>
                ),
              },
              {
                name: t("apiKeys.scopes"),
                kind: "wide",
                cell: (one) => (
                  <span className="tags">
                    {one.scopes.map((scope) => (
                      <span key={scope} className="state">
                        {t(`apiKeys.scope.${scope as Scope}`)}
                      </span>
                    ))}
                  </span>
                ),
              },
              {
                name: t("apiKeys.used"),
                kind: "wide",
                cell: (one) => (one.last_used_at ? formatAgo(one.last_used_at, now, language) : t("apiKeys.never")),
              },
              {
                name: t("apiKeys.state"),
                cell: (one) =>
                  open(one) && heirOf(one) && one.expires_at ? (
                    <Overlap ends={one.expires_at} heir={heirOf(one)?.prefix ?? ""} now={now} />
                  ) : (
                    <span className={open(one) ? "state stored" : "state dropped"}>
                      {one.revoked_at
                        ? t("apiKeys.ended")
                        : over(one)
                          ? t("apiKeys.expired")
                          : one.expires_at
                            ? t("apiKeys.until", { day: formatDay(one.expires_at, language) })
                            : t("apiKeys.holds")}
                    </span>
                  ),
              },
              {
                name: t("apiKeys.end"),
                kind: "bare",
                cell: (one) =>
                  open(one) && writes ? (
                    <span className="links">
                      <button
                        type="button"
                        className="link"
                        aria-label={`${t("apiKeys.rotate")}: ${one.name}`}
                        onClick={() => setRotating(one)}
                      >
                        {t("apiKeys.rotate")}
                      </button>
                      <button
                        type="button"
                        className="link"
                        aria-label={`${t("apiKeys.end")}: ${one.name}`}
                        onClick={() => setEnding(one)}
                      >
                        {t("apiKeys.end")}
                      </button>
                    </span>
                  ) : null,
              },
            ]}
          />
        )}
      </Panel>
      {making ? <MakeKey project={project} onClose={() => setMaking(false)} onDone={refresh} /> : null}
      {rotating ? (
        <RotateKey project={project} old={rotating} onClose={() => setRotating(undefined)} onDone={refresh} />
      ) : null}
      {ending ? (
        <Confirm
          title={t("apiKeys.endTitle", { name: ending.name })}
          about={t("apiKeys.endAbout")}
          action={t("apiKeys.end")}
          run={async () => {
            await revokeKey(api, project, ending.id);
            await refresh();
          }}
          onClose={() => setEnding(undefined)}
        />
      ) : null}
    </>
  );
}

/** How long a replaced key is taken beside its successor. */
function Overlap({ ends, heir, now }: { ends: string; heir: string; now: number }) {
  const { t, language } = useTexts();
  const left = Math.max(0, (Date.parse(ends) - now) / 1000);
  return (
    <>
      <span className="state queued">{t("admin.keys.both", { left: formatDuration(left, language) })}</span>
      <span className="under">{t("admin.keys.heir", { prefix: heir })}</span>
    </>
  );
}

interface Step {
  project: string;
  onClose: () => void;
  onDone: () => Promise<void>;
}

function Once({ made }: { made: string }) {
  const { t } = useTexts();
  return (
    <div className="stack">
      <p className="notice" role="status">
        {t("apiKeys.once")}
      </p>
      <CodeBlock code={made} />
    </div>
  );
}

function MakeKey({ project, onClose, onDone }: Step) {
  const { t } = useTexts();
  const api = useApi();
  const [made, setMade] = useState("");
  const [kind, setKind] = useState<"public" | "secret">("public");
  const { busy, error, submit } = useSubmit(async (values) => {
    const scopes = SCOPES.filter((scope) => values[`scopes.${scope}`]);
    const key = await createKey(api, project, {
      name: values.name ?? "",
      kind,
      ...(kind === "secret" && { scopes }),
      ...(values.days && { expires_at: new Date(Date.now() + Number(values.days) * DAY_MS).toISOString() }),
    });
    if (kind === "public") keepPublicKey(project, key);
    setMade(key);
    await onDone();
  });
  return (
    <Dialog title={t("apiKeys.make")} close={t("events.close")} onClose={onClose}>
      {made ? (
        <Once made={made} />
      ) : (
        <form onSubmit={submit}>
          <FormError error={error} />
          <Field label={t("projects.name")} name="name" maxLength={200} required autoFocus />
          <Segmented
            label={t("apiKeys.kind")}
            value={kind}
            options={(["public", "secret"] as const).map((value) => ({ value, text: t(`apiKeys.kindName.${value}`) }))}
            onChange={setKind}
          />
          <p className="faint">{t(`apiKeys.kinds.${kind}`)}</p>
          {kind === "secret" ? (
            <Checks
              label={t("apiKeys.scopes")}
              name="scopes"
              chosen={["read"]}
              options={SCOPES.map((value) => ({
                value,
                text: t(`apiKeys.scope.${value}`),
                hint: t(`apiKeys.scopeHint.${value}`),
              }))}
            />
          ) : null}
          <Select
            label={t("apiKeys.life")}
            name="days"
            options={LIVES.map((value) => ({
              value,
              text: value ? t("apiKeys.days", { count: Number(value) }) : t("apiKeys.forever"),
            }))}
          />
          <button type="submit" className="button primary" aria-busy={busy}>
            {busy ? t("form.busy") : t("apiKeys.make")}
          </button>
        </form>
      )}
    </Dialog>
  );
}

function RotateKey({ project, old, onClose, onDone }: Step & { old: ApiKey }) {
  const { t } = useTexts();
  const api = useApi();
  const [made, setMade] = useState("");
  const { busy, error, submit } = useSubmit(async ({ hours = "24" }) => {
    const key = await rotateKey(api, project, old.id, Number(hours));
    if (old.kind === "public") keepPublicKey(project, key);
    setMade(key);
    await onDone();
  });
  return (
    <Dialog title={t("apiKeys.rotateTitle", { name: old.name })} close={t("events.close")} onClose={onClose}>
      {made ? (
        <Once made={made} />
      ) : (
        <form onSubmit={submit}>
          <p>{t("apiKeys.rotateAbout")}</p>
          <FormError error={error} />
          <Select
            label={t("apiKeys.overlap")}
            name="hours"
            defaultValue="24"
            options={OVERLAPS.map((value) => ({ value, text: t(`apiKeys.overlaps.${value}`) }))}
          />
          <button type="submit" className="button primary" aria-busy={busy}>
            {busy ? t("form.busy") : t("apiKeys.rotate")}
          </button>
        </form>
      )}
    </Dialog>
  );
}
