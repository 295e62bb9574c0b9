import { X } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";

/** A modal dialog: the browser keeps the focus inside, closes it on Escape and gives the focus back. */
export function Dialog(props: {
  title: string;
  close: string;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
  bare?: boolean;
  /** Stands at the side, over the whole height. */
  drawer?: boolean;
}) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = box.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside the dialog; Escape is the keyboard's way
    <dialog
      ref={box}
      className={props.drawer ? "dialog drawer" : props.wide ? "dialog wide" : "dialog"}
      aria-label={props.title}
      onCancel={props.onClose}
      onClick={(event) => event.target === box.current && props.onClose()}
    >
      <div className="dialog-inner">
        {props.bare ? null : (
          <header className="dialog-head">
            <h2>{props.title}</h2>
            <button type="button" className="icon-button" aria-label={props.close} onClick={props.onClose}>
              <X size={18} />
            </button>
          </header>
        )}
        {props.children}
      </div>
    </dialog>
  );
}
