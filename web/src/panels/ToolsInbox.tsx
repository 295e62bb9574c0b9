import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BellOff } from "lucide-react";
import { useApi } from "../api/client";
import { inbox, type Notice, readNotices } from "../api/tools";
import { useTexts } from "../i18n";
import { formatAgo } from "../i18n/format";
import { pageOf } from "../state/notices";
import { useNow } from "../state/now";
import { FormError } from "../ui/AccountPage";
import { Dialog } from "../ui/dialog";

/** What happened to whoever is signed in and to their projects, the newest first. */
export default function ToolsInbox({ onClose }: { onClose: () => void }) {
  const { t } = useTexts();
  const api = useApi();
  const client = useQueryClient();
  const query = useQuery(inbox(api));
  const read = useMutation({
    mutationFn: (ids?: string[]) => readNotices(api, ids),
    onSettled: () => client.invalidateQueries({ queryKey: inbox(api).queryKey }),
  });
  const items = query.data?.items ?? [];
  return (
    <Dialog title={t("tools.inbox.title")} close={t("keys.close")} onClose={onClose} drawer>
      <FormError error={query.error ?? read.error ?? undefined} />
      {query.data?.unread ? (
        <button type="button" className="link" aria-busy={read.isPending} onClick={() => read.mutate(undefined)}>
          {t("tools.inbox.readAll")}
        </button>
      ) : null}
      {query.data && !items.length ? (
        <div className="empty">
          <BellOff size={24} aria-hidden="true" />
          <p>{t("tools.inbox.none")}</p>
        </div>
      ) : null}
      <ul className="notices">
        {items.map((one) => (
          <Line
            key={one.id}
            notice={one}
            onOpen={() => {
              if (!one.read) read.mutate([one.id]);
              onClose();
            }}
            onRead={() => read.mutate([one.id])}
          />
        ))}
      </ul>
    </Dialog>
  );
}

function Line({ notice, onOpen, onRead }: { notice: Notice; onOpen: () => void; onRead: () => void }) {
  const { t, language } = useTexts();
  const now = useNow(30_000);
  const { kind, data, project, project_id } = notice;
  const page = pageOf(kind);
  const title = t(`tools.inbox.kinds.${kind}` as "tools.inbox.kinds.export_completed", {
    defaultValue: t("tools.inbox.other"),
  });
  const more = [data.title, data.rule, data.name, data.organisation, data.host, data.reason, data.error, data.summary];
  return (
    <li className={notice.read ? "notice-line" : "notice-line unread"}>
      <div>
        {page && project_id ? (
          <Link to={page} params={{ project: project_id }} onClick={onOpen}>
            {title}
          </Link>
        ) : (
          <b>{title}</b>
        )}
        <p>{[...new Set(more.filter((one) => typeof one === "string" && one))].slice(0, 2).join(" · ")}</p>
        <p className="faint">{[project, formatAgo(notice.created_at, now, language)].filter(Boolean).join(" · ")}</p>
      </div>
      {notice.read ? null : (
        <button type="button" className="link" aria-label={`${t("tools.inbox.read")}: ${title}`} onClick={onRead}>
          {t("tools.inbox.read")}
        </button>
      )}
    </li>
  );
}
