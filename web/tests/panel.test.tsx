import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { I18nextProvider } from "react-i18next";
import { expect, test, vi } from "vitest";
import { ApiError } from "../src/api/problem";
import { startTexts } from "../src/i18n";
import { en } from "../src/i18n/en";
import { ru } from "../src/i18n/ru";
import { Panel, type PanelProps } from "../src/panels/Panel";

const ready = { data: [1, 2], error: null, isPending: false, isFetching: false, refetch: vi.fn() };

async function show(props: Partial<PanelProps<number[]>>, language: "en" | "ru" = "en") {
  const texts = await startTexts(language);
  render(
    <I18nextProvider i18n={texts}>
      <Panel title="Pages" query={ready as never} {...props}>
        {props.children ?? ((data: number[]) => <p>drawn {data.length}</p>)}
      </Panel>
    </I18nextProvider>,
  );
  return screen.getByRole("region", { name: "Pages" });
}

test("at first load it says that it loads", async () => {
  const panel = await show({ query: { ...ready, data: undefined, isPending: true, isFetching: true } as never });
  expect(within(panel).getByRole("status", { name: "Loading" })).toBeVisible();
});

test("refreshing keeps what was there", async () => {
  const panel = await show({ query: { ...ready, isFetching: true } as never });
  expect(within(panel).getByText("drawn 2")).toBeVisible();
  expect(within(panel).getByRole("progressbar", { name: "Refreshing" })).toBeVisible();
});

test("a failure says what, which request, and offers to try again", async () => {
  const refetch = vi.fn();
  const error = new ApiError(503, "unavailable", "", "r-77", 0);
  const panel = await show({ query: { ...ready, data: undefined, error, refetch } as never });
  expect(within(panel).getByRole("alert")).toHaveTextContent("The server failed to answer.Request r-77");
  await userEvent.click(within(panel).getByRole("button", { name: "Try again" }));
  expect(refetch).toHaveBeenCalledOnce();
});

test("what fails while drawing stays in its panel", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const panel = await show({
    children: () => {
      throw new Error("no");
    },
  });
  expect(within(panel).getByRole("alert")).toHaveTextContent("This could not be drawn.");
});

test("a chart has a sentence, and its data as a table", async () => {
  const panel = await show({
    figure: {
      sentence: () => "Two pages.",
      table: (data) => ({ name: "pages", columns: ["Page", "Users"], rows: data.map((n) => [`/${n}`, n]) }),
    },
  });
  expect(within(panel).getByRole("figure", { description: "Two pages." })).toBeVisible();
  await userEvent.click(within(panel).getByRole("button", { name: "More about Pages" }));
  await userEvent.click(screen.getByRole("menuitem", { name: "Show as a table" }));
  expect(within(panel).getAllByRole("row")).toHaveLength(3);
  expect(within(panel).getByRole("rowheader", { name: "/2" })).toBeVisible();
});

test("Russian numbers have their forms", async () => {
  const texts = await startTexts("ru");
  const said = (count: number) => texts.t("bots.hidden", { count, shown: count });
  expect([1, 3, 11, 25].map(said)).toEqual([
    "скрыто 1 событие ботов",
    "скрыто 3 события ботов",
    "скрыто 11 событий ботов",
    "скрыто 25 событий ботов",
  ]);
});

test("both languages have the same values to fill in", () => {
  const holes = (texts: object, path = ""): string[] =>
    Object.entries(texts).flatMap(([key, value]) =>
      typeof value === "string"
        ? (value.match(/{{\w+}}/g) ?? []).map((hole) => `${path}${key.replace(/_(few|many)$/, "_other")} ${hole}`)
        : holes(value, `${path}${key}.`),
    );
  expect(new Set(holes(ru))).toEqual(new Set(holes(en)));
});
