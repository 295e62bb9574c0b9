import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTexts } from "../i18n";
import { FormError } from "./AccountPage";
import { Dialog } from "./dialog";

/** Asks before something is done that cannot be undone; stays open while it is being done, and where it failed. */
export function Confirm(props: {
  title: string;
  about: ReactNode;
  action: string;
  run: () => Promise<unknown>;
  onClose: () => void;
}) {
  const { t } = useTexts();
  const { mutate, error, isPending } = useMutation({ mutationFn: props.run, onSuccess: props.onClose });
  return (
    <Dialog title={props.title} close={t("events.close")} onClose={props.onClose}>
      <FormError error={error ?? undefined} />
      <p>{props.about}</p>
      <div className="dialog-foot">
        <button type="button" className="button" onClick={props.onClose}>
          {t("form.cancel")}
        </button>
        <button type="button" className="button danger" aria-busy={isPending} onClick={() => isPending || mutate()}>
          {isPending ? t("form.busy") : props.action}
        </button>
      </div>
    </Dialog>
  );
}
