import { useTexts } from "../i18n";
import { BotSwitch } from "../panels/BotSwitch";
import { BreakdownPanel } from "../panels/BreakdownPanel";
import { Controls } from "../panels/Controls";
import { Kpis } from "../panels/Kpis";
import { LivePanels } from "../panels/LivePanels";
import { SeriesPanel } from "../panels/SeriesPanel";
import { ToolsChecklist } from "../panels/ToolsChecklist";

export default function Overview() {
  const { t } = useTexts();
  return (
    <>
      <Controls title={t("overview.title")} compare interval />
      <ToolsChecklist />
      <Kpis />
      <div className="grid">
        <SeriesPanel />
      </div>
      <div className="grid halves">
        <LivePanels />
      </div>
      <div className="grid">
        <BreakdownPanel title={t("overview.byType")} fields={["event"]} measure="count" pie />
        <BreakdownPanel title={t("overview.pages")} fields={["path", "hostname"]} measure="users" />
        <BreakdownPanel
          title={t("overview.sources")}
          fields={["referrer_domain", "channel", "utm_campaign"]}
          measure="users"
          none={t("overview.direct")}
        />
        <BreakdownPanel title={t("overview.places")} fields={["country"]} measure="users" />
        <BreakdownPanel title={t("overview.devices")} fields={["device", "browser", "os"]} measure="users" />
        <BreakdownPanel title={t("overview.users")} fields={["user_id"]} measure="count" known />
      </div>
      <BotSwitch />
    </>
  );
}
