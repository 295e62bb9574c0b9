import { useTexts } from "../i18n";
import { Dialog } from "../ui/dialog";
import type { Shortcut } from "./map";

const mac = () => /Mac|iPhone|iPad/.test(navigator.userAgent);

export function Keys({ keys }: { keys: readonly string[] }) {
  const shown = keys.flatMap((key) =>
    key === "mod+k" ? [mac() ? "⌘" : "Ctrl", "K"] : key === "Escape" ? ["Esc"] : [key],
  );
  return (
    <span className="keys">
      {shown.map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
    </span>
  );
}

export function KeysDialog({ known, onClose }: { known: readonly Shortcut[]; onClose: () => void }) {
  const { t } = useTexts();
  return (
    <Dialog title={t("keys.title")} close={t("keys.close")} onClose={onClose}>
      {(["go", "period", "page"] as const).map((group) => (
        <section key={group} className="key-group">
          <h3>{t(`keys.groups.${group}`)}</h3>
          <dl>
            {known
              .filter((one) => one.group === group)
              .map(({ keys, text }) => (
                <div key={text}>
                  <dt>{t(text as "keys.help")}</dt>
                  <dd>
                    <Keys keys={keys} />
                  </dd>
                </div>
              ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
