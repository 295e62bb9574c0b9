import { useQuery } from "@tanstack/react-query";
import { Bell } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useApi } from "../api/client";
import { inbox } from "../api/tools";
import { useTexts } from "../i18n";

const ToolsInbox = lazy(() => import("./ToolsInbox"));

/** How many notices are unread; a press shows them. */
export function ToolsBell() {
  const { t } = useTexts();
  const [open, setOpen] = useState(false);
  const unread = useQuery(inbox(useApi())).data?.unread ?? 0;
  const shown = unread > 99 ? "99+" : String(unread);
  return (
    <>
      <button
        type="button"
        className="icon-button bell"
        aria-label={unread ? t("tools.inbox.bell", { count: unread, shown }) : t("tools.inbox.title")}
        onClick={() => setOpen(true)}
      >
        <Bell size={18} />
        {unread ? (
          <span className="bell-count" aria-hidden="true">
            {shown}
          </span>
        ) : null}
      </button>
      {open ? (
        <Suspense fallback={null}>
          <ToolsInbox onClose={() => setOpen(false)} />
        </Suspense>
      ) : null}
    </>
  );
}
