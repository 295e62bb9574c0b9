import "../ui/admin.css";
import { useQuery } from "@tanstack/react-query";
import { Plus, Webhook as WebhookIcon } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { webhooks } from "../api/webhooks";
import { useTexts } from "../i18n";
import { Deliveries } from "../panels/AdminDeliveries";
import { LastDelivered, ReceiverLink, ReceiverState, Types } from "../panels/AdminReceivers";
import { WebhookForm } from "../panels/AdminWebhookForm";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";

/** The project's own receivers, and everything that was sent to anybody. */
export default function Webhooks() {
  const { t } = useTexts();
  const { project } = useScope();
  const writes = useMay()("webhooks.write");
  const query = useQuery(webhooks(useApi(), project));
  const [making, setMaking] = useState(false);
  return (
    <>
      <div className="controls">
        <h1>{t("admin.nav.webhooks")}</h1>
        {writes ? (
          <button type="button" className="button primary" onClick={() => setMaking(true)}>
            <Plus size={16} aria-hidden="true" />
            {t("admin.webhooks.make")}
          </button>
        ) : null}
      </div>
      <p className="about">{t("admin.webhooks.about")}</p>
      <div className="stack">
        <Panel
          title={t("admin.webhooks.list")}
          query={query}
          className="short"
          isEmpty={(found) => found.length === 0}
          empty={
            <div className="empty">
              <WebhookIcon size={24} aria-hidden="true" />
              <p>{t("admin.webhooks.none")}</p>
            </div>
          }
        >
          {(found) => (
            <ListTable
              caption={t("admin.webhooks.list")}
              className="receivers-table"
              rows={found}
              rowKey={({ id }) => id}
              columns={[
                {
                  name: t("admin.webhooks.url"),
                  cell: (one) => (
                    <>
                      <ReceiverLink which="webhook" one={one} />
                      {one.description ? <span className="under">{one.url}</span> : null}
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
        <Deliveries />
      </div>
      {making ? <WebhookForm onClose={() => setMaking(false)} /> : null}
    </>
  );
}
