import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { type ApiKey, createKey, keysOf, revokeKey } from "../api/account";
import { useApi } from "../api/client";
import { useTexts } from "../i18n";
import { formatAgo } from "../i18n/format";
import { Panel } from "../panels/Panel";
import { keepPublicKey } from "../state/publicKey";
import { FormError, useSubmit } from "../ui/AccountPage";
import { CodeBlock } from "../ui/CodeBlock";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/form";

const KINDS = ["public", "secret"] as const;

/** The project's API keys: make one, see when each was last used, end one. */
export default function Keys() {
  const { t, language } = useTexts();
  const { project } = useParams({ from: "/inside/p/$project" });
  const query = useQuery(keysOf(useApi(), project));
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<ApiKey>();
  const ago = (moment: string | null) =>
    moment ? formatAgo(moment, query.dataUpdatedAt, language) : t("apiKeys.never");
  return (
    <>
      <div className="controls">
        <h1>{t("apiKeys.title")}</h1>
        <button type="button" className="button primary" onClick={() => setMaking(true)}>
          {t("apiKeys.make")}
        </button>
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
          <table className="latest">
            <caption className="hidden">{t("apiKeys.list")}</caption>
            <thead>
              <tr>
                <th scope="col">{t("projects.name")}</th>
                <th scope="col">{t("apiKeys.key")}</th>
                <th scope="col" className="phone-off">
                  {t("apiKeys.scopes")}
                </th>
                <th scope="col" className="phone-off">
                  {t("apiKeys.used")}
                </th>
                <th scope="col" className="when">
                  {t("apiKeys.state")}
                </th>
              </tr>
            </thead>
            <tbody>
              {keys.map((one) => (
                <tr key={one.id}>
                  <th scope="row">
                    <bdi className="event-name">{one.name}</bdi>
                  </th>
                  <td>
                    <code>{one.prefix}…</code>
                  </td>
                  <td className="phone-off">{one.scopes.join(", ")}</td>
                  <td className="phone-off">{ago(one.last_used_at)}</td>
                  <td className="when">
                    {one.revoked_at ? (
                      <span className="state dropped">{t("apiKeys.ended")}</span>
                    ) : (
                      <button
                        type="button"
                        className="link"
                        aria-label={`${t("apiKeys.end")}: ${one.name}`}
                        onClick={() => setEnding(one)}
                      >
                        {t("apiKeys.end")}
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Panel>
      {making ? <MakeKey project={project} onClose={() => setMaking(false)} /> : null}
      {ending ? <EndKey project={project} ending={ending} onClose={() => setEnding(undefined)} /> : null}
    </>
  );
}

function MakeKey({ project, onClose }: { project: string; onClose: () => void }) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const [made, setMade] = useState("");
  const { busy, error, submit } = useSubmit(async ({ name = "", kind }) => {
    const key = await createKey(api, project, name, kind === "secret" ? "secret" : "public");
    if (kind === "public") keepPublicKey(project, key);
    setMade(key);
    await client.invalidateQueries({ queryKey: [project, "keys"] });
  });
  return (
    <Dialog title={t("apiKeys.make")} close={t("events.close")} onClose={onClose}>
      {made ? (
        <>
          <p className="notice" role="status">
            {t("apiKeys.once")}
          </p>
          <br />
          <CodeBlock code={made} />
        </>
      ) : (
        <form onSubmit={submit}>
          <FormError error={error} />
          <Field label={t("projects.name")} name="name" maxLength={200} required autoFocus />
          <div className="field">
            <label htmlFor="kind">{t("apiKeys.kind")}</label>
            <select id="kind" name="kind">
              {KINDS.map((kind) => (
                <option key={kind} value={kind}>
                  {t(`apiKeys.kinds.${kind}`)}
                </option>
              ))}
            </select>
          </div>
          <button type="submit" className="button primary" aria-busy={busy}>
            {busy ? t("form.busy") : t("apiKeys.make")}
          </button>
        </form>
      )}
    </Dialog>
  );
}

function EndKey({ project, ending, onClose }: { project: string; ending: ApiKey; onClose: () => void }) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => revokeKey(api, project, ending.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: [project, "keys"] });
      onClose();
    },
  });
  return (
    <Dialog title={t("apiKeys.endTitle", { name: ending.name })} close={t("events.close")} onClose={onClose}>
      <FormError error={error ?? undefined} />
      <p>{t("apiKeys.endAbout")}</p>
      <div className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          {t("apiKeys.keep")}
        </button>
        <button type="button" className="button primary" aria-busy={isPending} onClick={() => mutate()}>
          {t("apiKeys.end")}
        </button>
      </div>
    </Dialog>
  );
}
