import { useQuery } from "@tanstack/react-query";
import { Bot } from "lucide-react";
import { Switch } from "radix-ui";
import { useId } from "react";
import { useApi } from "../api/client";
import { hiddenBots } from "../api/queries";
import { useTexts } from "../i18n";
import { formatNumber } from "../i18n/format";
import { useScope } from "../state/scope";
import { useView } from "../state/view";

/** How many events of bots are left out, and a switch to count them too. */
export function BotSwitch() {
  const { t, language } = useTexts();
  const { view, change } = useView();
  const id = useId();
  const count = useQuery(hiddenBots(useApi(), useScope())).data?.value ?? 0;
  const text = view.bots ? t("bots.shown") : t("bots.hidden", { count, shown: formatNumber(count, language) });
  return (
    <div className="bots">
      <Bot size={17} aria-hidden="true" />
      <span>{text}</span>
      <label htmlFor={id}>
        {t("bots.show")}
        <Switch.Root
          id={id}
          className="switch"
          checked={view.bots ?? false}
          onCheckedChange={(on) => change({ bots: on || undefined })}
        >
          <Switch.Thumb className="switch-thumb" />
        </Switch.Root>
      </label>
    </div>
  );
}
