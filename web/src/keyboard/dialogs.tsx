import { useState } from "react";
import { useTexts } from "../i18n";
import { Dialog } from "../ui/dialog";
import type { Action, Shortcut } from "./map";

const mac = () => /Mac|iPhone|iPad/.test(navigator.userAgent);

function Keys({ keys }: { keys: readonly string[] }) {
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

/** Type a part of a name, choose with the arrows, Enter does it. */
export function PaletteDialog(props: {
  known: readonly Shortcut[];
  onClose: () => void;
  run: (action: Action) => void;
}) {
  const { known, onClose, run } = props;
  const { t } = useTexts();
  const [typed, setTyped] = useState("");
  const [place, setPlace] = useState(0);
  const named = known.filter(({ action }) => action.do !== "palette" && action.do !== "close_dialog");
  const nameOf = ({ group, text }: Shortcut) =>
    group === "page" ? t(text as "keys.help") : `${t(`keys.groups.${group}`)}: ${t(text as "keys.help")}`;
  const found = named.filter((one) => nameOf(one).toLowerCase().includes(typed.trim().toLowerCase()));
  const choose = (one: Shortcut | undefined) => {
    if (!one) return;
    onClose();
    // After this dialog has given the focus back.
    setTimeout(() => run(one.action));
  };
  return (
    <Dialog title={t("keys.palette")} close={t("keys.close")} onClose={onClose} bare>
      <input
        className="palette-input"
        aria-label={t("keys.palette")}
        placeholder={t("keys.palette")}
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found[place] ? `palette-${place}` : undefined}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setPlace(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setPlace(Math.min(place + 1, found.length - 1));
          else if (event.key === "ArrowUp") setPlace(Math.max(place - 1, 0));
          else if (event.key === "Enter") choose(found[place]);
          else return;
          event.preventDefault();
        }}
      />
      <div id="palette-list" role="listbox" aria-label={t("keys.palette")} className="palette-list">
        {found.map((one, index) => (
          <div
            key={one.text}
            id={`palette-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === place}
            className="palette-item"
            onPointerMove={() => setPlace(index)}
            onClick={() => choose(one)}
            onKeyDown={(event) => event.key === "Enter" && choose(one)}
          >
            <span>{nameOf(one)}</span>
            <Keys keys={one.keys} />
          </div>
        ))}
      </div>
      {found.length ? null : <p className="palette-none">{t("keys.nothing")}</p>}
    </Dialog>
  );
}
