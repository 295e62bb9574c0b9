import { NAV } from "../ui/navigation";

/** Which page has the rest of what a notice tells, by how the kind begins. */
const PAGES: readonly [string, string][] = [
  ["export_", "exports"],
  ["erasure_", "privacy"],
  ["retention_", "data-retention"],
  ["ledger_", "ledger"],
  ["webhook_", "webhooks"],
  ["report_", "reports"],
  ["alert_", "incidents"],
  ["incident_", "incidents"],
  ["quality_", "quality"],
];

/** The address of that page; none where there is no such page. */
export function pageOf(kind: string): (typeof NAV)[number]["to"] | undefined {
  const name = PAGES.find(([begin]) => kind.startsWith(begin))?.[1];
  return NAV.find(({ to }) => to === `/p/$project/${name}`)?.to;
}
