import "../ui/admin.css";
import type { Channel as Room } from "../api/webhooks";
import { LANGUAGES, useTexts } from "../i18n";
import { ChannelForm } from "../panels/AdminChannelForm";
import { ReceiverPage } from "../panels/AdminReceivers";

/** One channel: its test with its result, and what it was told. */
export default function Channel() {
  const { t } = useTexts();
  return (
    <ReceiverPage<Room>
      which="channel"
      facts={(one) => [
        [t("admin.channels.kind"), t(`admin.channels.kinds.${one.type}`)],
        [t("admin.channels.leads"), <bdi key="url">{one.url}</bdi>],
        ...(one.chat_id ? ([[t("admin.channels.parts.chat_id"), one.chat_id]] as [string, string][]) : []),
        [t("admin.channels.language"), LANGUAGES[one.language]],
      ]}
      editing={(one, close) => <ChannelForm old={one} onClose={close} />}
    />
  );
}
