import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { NEW_REPORT, wantedOf } from "../src/state/reports";
import { openApp, PROJECT, problem, user } from "./app";

const at = (path: string) => `/p/${PROJECT}/${path}`;
const BUILT_INS = [
  { slug: "overview", title: "Overview", description: "Yesterday.", last: "1d" },
  { slug: "dau", title: "Daily active users", description: "Who came.", last: "30d" },
];
const REPORT = {
  id: "r1",
  report: { ...NEW_REPORT, name: "Monday", timezone: "UTC", emails: ["ada@example.org"], attach: ["pdf"] },
  next_at: "2026-11-23T08:00:00Z",
  created_at: "2026-11-01T10:00:00Z",
  updated_at: "2026-11-01T10:00:00Z",
};
const RUN = {
  id: "n1",
  report_id: "r1",
  due_at: "2026-11-16T08:00:00Z",
  trigger: "schedule",
  state: "completed",
  sent: true,
  report: REPORT.report,
  files: ["html", "pdf", "csv", "xlsx", "json"],
  problem: null,
  created_at: "2026-11-16T08:00:00Z",
};
const RESULT = {
  name: "Monday",
  project: "Shop",
  report: "custom",
  language: "en",
  days: "last week",
  range: {},
  due_at: RUN.due_at,
  sections: [
    { id: "t", kind: "text", title: "How it went", text: "Well." },
    {
      id: "n",
      kind: "number",
      numbers: [{ label: "Users", value: 5, before: 4, change: 0.25, kind: "number", compared: "against before" }],
    },
    {
      id: "b",
      kind: "breakdown",
      title: "Pages",
      chart: "bars",
      others: true,
      columns: [
        { label: "Page", kind: "text" },
        { label: "Events", kind: "number" },
        { label: "Share", kind: "share" },
      ],
      rows: [
        ["/", 3, 0.75],
        ["all others", 1, 0.25],
      ],
    },
    { id: "g", kind: "text", title: "Gone", problem: { code: "gone", detail: "Its saved query was removed." } },
  ],
};
const LISTS = {
  "GET /api/v1/reports": { items: [REPORT], built_ins: BUILT_INS, next_cursor: null },
  "GET /api/v1/dashboards": { items: [], next_cursor: null },
  "GET /api/v1/channels": { items: [] },
  "POST /api/v1/reports/preview": RESULT,
};

test("the list has one's own reports and the built-in ones; who may not write makes none", async () => {
  await openApp(at("reports"), LISTS, user("viewer"));
  const own = await screen.findByRole("table", { name: "Your reports" });
  expect(within(own).getByRole("link", { name: "Monday" })).toBeVisible();
  expect(within(own).getByText("Monday, 08:00")).toBeVisible();
  expect(screen.getByRole("link", { name: /^Daily active users/ })).toBeVisible();
  expect(screen.queryByRole("link", { name: "New report" })).toBeNull();
});

test("a report is put together, refused in words, then saved as it was written", async () => {
  let tries = 0;
  const { calls } = await openApp(at("reports/new"), {
    ...LISTS,
    "POST /api/v1/reports": () => {
      tries += 1;
      return tries === 1 ? problem(422, "bad_schedule", "at most hourly") : REPORT;
    },
    "GET /api/v1/reports/r1": REPORT,
    "GET /api/v1/reports/r1/runs": { items: [], next_cursor: null },
  });
  await userEvent.click(await screen.findByLabelText("Name"));
  await userEvent.paste("Each morning");
  expect(await screen.findByText("How it went")).toBeVisible(); // the preview
  await userEvent.selectOptions(screen.getByLabelText("What it shows"), "dau");
  await userEvent.selectOptions(screen.getByLabelText("When it comes"), "cron");
  await userEvent.click(screen.getByLabelText("Cron line"));
  await userEvent.paste("*/5 * * * *");
  await userEvent.click(screen.getByLabelText("Mail addresses"));
  await userEvent.paste("ada@example.org; bob@example.org");
  await userEvent.click(screen.getByRole("checkbox", { name: "PDF" }));
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText("at most hourly")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByRole("heading", { name: "Monday" })).toBeVisible();
  expect(calls("POST", "/api/v1/reports").at(-1)?.body).toMatchObject({
    name: "Each morning",
    report: "dau",
    schedule: "cron",
    cron: "*/5 * * * *",
    emails: ["ada@example.org", "bob@example.org"],
    attach: ["pdf"],
    parts: [],
    dashboard_id: null,
  });
});

test("a run shows its sections, says what is missing, and is shared by a link that is shown once", async () => {
  const share = { id: "s1", prefix: "rep_abcd", created_at: RUN.due_at, expires_at: "2199-01-01T00:00:00Z" };
  const { calls } = await openApp(at("reports/r1/runs/n1"), {
    "GET /api/v1/reports/r1/runs/n1": RUN,
    "GET /api/v1/reports/r1/runs/n1/files/json": RESULT,
    "GET /api/v1/reports/r1/runs/n1/shares": { items: [{ ...share, revoked_at: null }] },
    "POST /api/v1/reports/r1/runs/n1/shares": { ...share, revoked_at: null, token: "t", link: "https://x/rep_abcd" },
    "DELETE /api/v1/reports/r1/runs/n1/shares/s1": { ...share, revoked_at: RUN.due_at },
  });
  expect(await screen.findByText("Its saved query was removed.")).toBeVisible();
  expect(screen.getByText("+25%")).toBeVisible();
  expect(screen.getByRole("table", { name: "Pages" })).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Share" }));
  const dialog = await screen.findByRole("dialog", { name: "Links to this report" });
  await userEvent.click(within(dialog).getByRole("button", { name: "Make a link" }));
  expect(await within(dialog).findByText("https://x/rep_abcd")).toBeVisible();
  await userEvent.click(within(dialog).getByRole("button", { name: "End the link rep_abcd…" }));
  expect(calls("DELETE", "/shares/s1")).toHaveLength(1);
});

test("what is sent holds only what goes with the kind of report and schedule", () => {
  const draft = { ...NEW_REPORT, parts: [{ id: "a", text: "x" }], last: "7d", cron: "0 8 * * *" };
  expect(wantedOf(draft)).toMatchObject({ parts: [], last: "", cron: "" });
  expect(wantedOf({ ...draft, report: "custom", schedule: "cron" })).toMatchObject({
    parts: [{ id: "a", text: "x" }],
    last: "7d",
    cron: "0 8 * * *",
  });
});
