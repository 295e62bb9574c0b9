import { useDeferredValue, useState } from "react";
import { useTexts } from "../i18n";
import { Dialog } from "../ui/dialog";
import { Keys } from "./dialogs";
import { useEntries } from "./entries";
import { type Entry, foundIn } from "./found";
import type { Action, Shortcut } from "./map";

/** Type a part of a name, choose with the arrows, Enter does it. Not loaded lazily: who presses the keys types on. */
export function PaletteDialog(props: {
  project: string | undefined;
  known: readonly Shortcut[];
  onClose: () => void;
  run: (action: Action) => void;
}) {
  const { project, known, onClose, run } = props;
  const { t } = useTexts();
  const [typed, setTyped] = useState("");
  const [place, setPlace] = useState(0);
  const entries = useEntries(project, known, run, useDeferredValue(typed));
  const found = foundIn(entries, typed);
  const choose = (one: Entry | undefined) => {
    if (!one) return;
    onClose();
    // After this dialog has given the focus back.
    setTimeout(one.run);
  };
  const move = (to: number) => {
    setPlace(to);
    document.getElementById(`palette-${to}`)?.scrollIntoView({ block: "nearest" });
  };
  return (
    <Dialog title={t("keys.palette")} close={t("keys.close")} onClose={onClose} bare>
      <input
        className="palette-input"
        aria-label={t("keys.palette")}
        placeholder={t("tools.palette.hint")}
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
          if (event.key === "ArrowDown") move(Math.min(place + 1, found.length - 1));
          else if (event.key === "ArrowUp") move(Math.max(place - 1, 0));
          else if (event.key === "Enter") choose(found[place]);
          else return;
          event.preventDefault();
        }}
      />
      <div id="palette-list" role="listbox" aria-label={t("keys.palette")} className="palette-list">
        {found.map((one, index) => (
          <div
            key={one.id}
            id={`palette-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === place}
            className="palette-item"
            onPointerMove={() => setPlace(index)}
            onClick={() => choose(one)}
            onKeyDown={(event) => event.key === "Enter" && choose(one)}
          >
            <span>
              <span className="faint">{one.group}: </span>
              <bdi>{one.name}</bdi>
            </span>
            {one.keys ? <Keys keys={one.keys} /> : null}
          </div>
        ))}
      </div>
      {found.length ? null : <p className="palette-none">{t("keys.nothing")}</p>}
    </Dialog>
  );
}
