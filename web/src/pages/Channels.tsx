import "../ui/admin.css";
import { useQuery } from "@tanstack/react-query";
import { MessagesSquare, Plus } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { channels } from "../api/webhooks";
import { useTexts } from "../i18n";
import { ChannelForm } from "../panels/AdminChannelForm";
import { LastDelivered, ReceiverLink, ReceiverState, Types } from "../panels/AdminReceivers";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";

/** Chats and on-call services that are told of alerts, reports and exports in words. */
export default function Channels() {
  const { t } = useTexts();
  const { project } = useScope();
  const writes = useMay()("webhooks.write");
  const query = useQuery(channels(useApi(), project));
  const [making, setMaking] = useState(false);
  return (
    <>
      <div className="controls">
        <h1>{t("admin.nav.channels")}</h1>
        {writes ? (
          <button type="button" className="button primary" onClick={() => setMaking(true)}>
            <Plus size={16} aria-hidden="true" />
            {t("admin.channels.make")}
          </button>
        ) : null}
      </div>
      <p className="about">{t("admin.channels.about")}</p>
      <Panel
        title={t("admin.channels.list")}
        query={query}
        className="short"
        isEmpty={(found) => found.length === 0}
        empty={
          <div className="empty">
            <MessagesSquare size={24} aria-hidden="true" />
            <p>{t("admin.channels.none")}</p>
          </div>
        }
      >
        {(found) => (
          <ListTable
            caption={t("admin.channels.list")}
            className="receivers-table"
            rows={found}
            rowKey={({ id }) => id}
            columns={[
              {
                name: t("projects.name"),
                cell: (one) => (
                  <>
                    <ReceiverLink which="channel" one={one} />
                    <span className="under">
                      {t(`admin.channels.kinds.${one.type}`)}
                      {one.chat_id ? ` · ${one.chat_id}` : ""}
                    </span>
                  </>
                ),
              },
              { name: t("admin.receivers.types"), kind: "wide", cell: (one) => <Types types={one.types} /> },
              { name: t("apiKeys.state"), cell: (one) => <ReceiverState one={one} /> },
              { name: t("admin.receivers.last"), kind: "wide", cell: (one) => <LastDelivered one={one} /> },
            ]}
          />
        )}
      </Panel>
      <p className="faint">{t("admin.channels.notMet")}</p>
      {making ? <ChannelForm onClose={() => setMaking(false)} /> : null}
    </>
  );
}
