import type { ReactNode, Ref } from "react";

/** What is wider or higher than its place: it can be scrolled with the keyboard, too. */
export function Scroll(props: { label: string; className?: string; box?: Ref<HTMLDivElement>; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset belongs to a form, and a section would be a landmark
    <div
      ref={props.box}
      className={props.className ?? "table-scroll"}
      role="group"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={props.label}
    >
      {props.children}
    </div>
  );
}
