import { Link } from "@tanstack/react-router";
import { sharedOf } from "../state/search";
import "../ui/jobs.css";

/** Pages that belong together, side by side: each has an address of its own. */
export function Tabs(props: { label: string; project: string; tabs: readonly { to: string; text: string }[] }) {
  return (
    <nav className="tabs-line" aria-label={props.label}>
      {props.tabs.map(({ to, text }) => (
        <Link
          key={to}
          to={to as "/p/$project/privacy"}
          params={{ project: props.project }}
          search={sharedOf as never}
          activeOptions={{ exact: true, includeSearch: false }}
          className="tab-link"
        >
          {text}
        </Link>
      ))}
    </nav>
  );
}
