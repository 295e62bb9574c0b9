import type { Asked } from "./asked";
import { useView } from "./view";

/** What the page itself asks, in the address, and how to change a part of it; only what differs from the usual is there. */
export function useAsk<Question extends object>(
  parse: (asked: Asked) => Question,
): [question: Question, change: (part: Partial<Question>) => void] {
  const { view, change } = useView();
  const question = parse(view.ask ?? {});
  const usual = parse({}) as Asked;
  const set = (part: Partial<Question>) => {
    const differs = Object.entries({ ...question, ...part }).filter(
      ([name, value]) => value !== undefined && JSON.stringify(value) !== JSON.stringify(usual[name]),
    );
    change({ ask: differs.length ? Object.fromEntries(differs) : undefined });
  };
  return [question, set];
}
