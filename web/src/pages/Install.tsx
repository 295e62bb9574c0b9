import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { CircleCheck, LoaderCircle } from "lucide-react";
import { Tabs } from "radix-ui";
import { type EventsAnswer, useApi } from "../api/client";
import { useTexts } from "../i18n";
import { PublicKeyForm } from "../panels/PublicKeyForm";
import { usePublicKey } from "../state/publicKey";
import { CodeBlock } from "../ui/CodeBlock";

/** How to send events, ready to paste; waits for the first one. */
export default function Install() {
  const { t } = useTexts();
  const { project } = useParams({ from: "/inside/p/$project" });
  const api = useApi();
  const publicKey = usePublicKey(project);
  const first = useQuery({
    queryKey: [project, "first event"],
    queryFn: ({ signal }) => api.call<EventsAnswer>("/api/v1/query/events", { project, signal, body: { limit: 1 } }),
    refetchInterval: (query) => !query.state.data?.items.length && 1_500,
  });
  const event = first.data?.items[0]?.event;
  const key = publicKey.key || "slp_…";
  const snippets = {
    script: `<script src="${location.origin}/sluice.js" data-key="${key}" defer></script>`,
    curl: `curl ${location.origin}/api/v1/events \\\n  -H 'X-API-Key: ${key}' \\\n  -d '{"event": "page_view", "user_id": "ada", "properties": {"page": "/"}}'`,
    python: `import json\nimport urllib.request\n\nevent = {"event": "page_view", "user_id": "ada", "properties": {"page": "/"}}\nrequest = urllib.request.Request(\n    "${location.origin}/api/v1/events",\n    data=json.dumps(event).encode(),\n    headers={"X-API-Key": "${key}", "Content-Type": "application/json"},\n)\nprint(urllib.request.urlopen(request).read().decode())`,
  };
  return (
    <>
      <div className="controls">
        <h1>{t("install.title")}</h1>
      </div>
      <p className="about">{t("install.about")}</p>
      <div className="steps">
        {publicKey.key ? null : <PublicKeyForm use={publicKey.use} make={publicKey.make} />}
        <section className="panel shop" aria-label={t("install.title")}>
          <Tabs.Root defaultValue="script">
            <Tabs.List className="shop-tabs" aria-label={t("install.title")}>
              {(["script", "curl", "python"] as const).map((name) => (
                <Tabs.Trigger key={name} value={name}>
                  {t(`install.${name}`)}
                </Tabs.Trigger>
              ))}
            </Tabs.List>
            {(["script", "curl", "python"] as const).map((name) => (
              <Tabs.Content key={name} value={name}>
                <CodeBlock code={snippets[name]} />
              </Tabs.Content>
            ))}
          </Tabs.Root>
          <div className="waiting" role="status">
            {event === undefined ? (
              <>
                <LoaderCircle size={18} className="turning" aria-hidden="true" />
                {t("install.waiting")}
              </>
            ) : (
              <>
                <CircleCheck size={18} aria-hidden="true" />
                <span>
                  {t("install.arrived")} <bdi>{event}</bdi>
                </span>
                <Link to="/p/$project/overview" params={{ project }} className="button primary">
                  {t("install.look")}
                </Link>
              </>
            )}
          </div>
        </section>
      </div>
    </>
  );
}
