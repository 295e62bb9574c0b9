import { Check } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";

/** A button that opens a menu. Not modal: that would need inline styles, which our Content-Security-Policy refuses. */
export function Menu(props: {
  label?: string;
  trigger: ReactNode;
  className?: string;
  align?: "start" | "end";
  children: ReactNode;
}) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className={props.className ?? "button"} aria-label={props.label}>
        {props.trigger}
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align={props.align ?? "start"} sideOffset={6} collisionPadding={8}>
          {props.children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

export function MenuItem(props: { onSelect: () => void; children: ReactNode; hint?: string }) {
  return (
    <DropdownMenu.Item className="menu-item" onSelect={props.onSelect}>
      <span>{props.children}</span>
      {props.hint ? <kbd>{props.hint}</kbd> : null}
    </DropdownMenu.Item>
  );
}

/** One of several, with a check mark at the chosen one. */
export function MenuChoice<T extends string>(props: {
  label?: string;
  value: T | "";
  options: readonly { value: T; text: string; hint?: string }[];
  onChange: (value: T) => void;
}) {
  return (
    <DropdownMenu.RadioGroup
      value={props.value}
      onValueChange={(value) => props.onChange(value as T)}
      aria-label={props.label}
    >
      {props.label ? <DropdownMenu.Label className="menu-label">{props.label}</DropdownMenu.Label> : null}
      {props.options.map(({ value, text, hint }) => (
        <DropdownMenu.RadioItem key={value} value={value} className="menu-item">
          <span>{text}</span>
          {hint ? <kbd>{hint}</kbd> : null}
          <DropdownMenu.ItemIndicator className="menu-check">
            <Check size={15} />
          </DropdownMenu.ItemIndicator>
        </DropdownMenu.RadioItem>
      ))}
    </DropdownMenu.RadioGroup>
  );
}

export const MenuTitle = ({ children }: { children: ReactNode }) => (
  <DropdownMenu.Label className="menu-label">{children}</DropdownMenu.Label>
);

export const MenuLine = () => <DropdownMenu.Separator className="menu-line" />;
