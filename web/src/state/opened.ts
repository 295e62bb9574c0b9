import { useView } from "./view";

/** Whether the page's form for something new is open; it stands in the address, so that the palette can lead to it. */
export function useNew(): [open: boolean, set: (open: boolean) => void] {
  const { view, change } = useView();
  return [view.ask?.new === true, (open) => change({ ask: open ? { new: true } : undefined })];
}
