import "../ui/quality.css";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BookOpen, ChevronLeft } from "lucide-react";
import { useState } from "react";
import { useApi } from "../api/client";
import { type DictionaryItem, describe, dictionaryOf, type EntryChange } from "../api/quality";
import { useTexts } from "../i18n";
import { formatMoment, formatNumber } from "../i18n/format";
import { ListTable } from "../panels/ListTable";
import { Panel } from "../panels/Panel";
import { QualityInPlace } from "../panels/QualityInPlace";
import { Toggle } from "../panels/Toggle";
import { useAsk } from "../state/ask";
import { textOf } from "../state/asked";
import { useMay } from "../state/may";
import { useScope } from "../state/scope";
import { sharedOf } from "../state/search";
import { FormError } from "../ui/AccountPage";
import { Field } from "../ui/form";

/** Which events and properties there are, and what the team says of them; edited where it stands. */
export default function Dictionary() {
  const { t } = useTexts();
  const { project } = useScope();
  const api = useApi();
  const [{ event }, change] = useAsk((asked) => ({ event: textOf(asked.event) }));
  const query = useQuery(dictionaryOf(api, project, event));
  const [search, setSearch] = useState("");
  const [hidden, setHidden] = useState(false);
  const open = (next: string) => {
    setSearch("");
    change({ event: next });
  };
  const wanted = search.trim().toLowerCase();
  const fits = (one: DictionaryItem) =>
    (hidden || !one.hidden) &&
    [one.name, one.description, one.owner, ...one.tags].some((text) => text.toLowerCase().includes(wanted));
  return (
    <>
      {event ? (
        <p className="back">
          <button type="button" className="link" onClick={() => open("")}>
            <ChevronLeft size={15} aria-hidden="true" />
            {t("quality.dictionary.back")}
          </button>
        </p>
      ) : null}
      <div className="controls">
        <h1>{event ? t("quality.dictionary.properties", { event }) : t("quality.dictionary.title")}</h1>
      </div>
      <p className="about">{t("quality.dictionary.about")}</p>
      <div className="row dictionary-tools">
        <Field
          label={t("quality.dictionary.search")}
          type="search"
          value={search}
          onChange={({ target }) => setSearch(target.value)}
        />
        <Toggle label={t("quality.dictionary.withHidden")} value={hidden} onChange={setHidden} />
      </div>
      <Panel
        title={event ? t("quality.dictionary.properties", { event }) : t("quality.dictionary.events")}
        query={query}
        isEmpty={({ items }) => items.length === 0}
        empty={
          <div className="empty">
            <BookOpen size={24} aria-hidden="true" />
            <p>{event ? t("quality.dictionary.noProperties") : t("quality.dictionary.none")}</p>
          </div>
        }
      >
        {({ items, complete }) => (
          <>
            <Entries event={event} items={items.filter(fits)} choose={open} />
            {complete ? null : <p className="faint">{t("quality.dictionary.more")}</p>}
          </>
        )}
      </Panel>
    </>
  );
}

function Entries(props: { event: string; items: readonly DictionaryItem[]; choose: (event: string) => void }) {
  const { t, language } = useTexts();
  const { project, timezone } = useScope();
  const api = useApi();
  const client = useQueryClient();
  const writes = useMay()("definitions.write");
  const { event, items } = props;
  const { mutateAsync, error } = useMutation({
    mutationFn: (change: EntryChange) => describe(api, project, change),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, "dictionary"] }),
  });
  const say = (one: DictionaryItem, part: Partial<EntryChange>) =>
    mutateAsync({ ...(event ? { event, property: one.name } : { event: one.name }), ...part });
  const inPlace = (one: DictionaryItem, field: "description" | "owner" | "tags", add: string) => (
    <QualityInPlace
      label={t(`quality.dictionary.${field}`)}
      name={one.name}
      value={field === "tags" ? one.tags.join(", ") : one[field]}
      add={add}
      writes={writes}
      long={field === "description"}
      save={(text) =>
        say(one, {
          [field]:
            field === "tags"
              ? text
                  .split(",")
                  .map((tag) => tag.trim())
                  .filter(Boolean)
              : text.trim(),
        })
      }
    />
  );
  return (
    <>
      <FormError error={error ?? undefined} />
      <ListTable
        caption={t("quality.dictionary.title")}
        className="dictionary-table"
        rows={items}
        rowKey={(one) => one.name}
        columns={[
          {
            name: t("quality.dictionary.name"),
            cell: (one) => (
              <>
                {event ? (
                  <bdi className="event-name">{one.name}</bdi>
                ) : (
                  <button type="button" className="link event-name" onClick={() => props.choose(one.name)}>
                    <bdi>{one.name}</bdi>
                  </button>
                )}
                {inPlace(one, "description", t("quality.dictionary.addDescription"))}
                {one.hidden ? <span className="state">{t("quality.dictionary.hidden")}</span> : null}
              </>
            ),
          },
          {
            name: event ? t("quality.dictionary.types") : t("quality.dictionary.plan"),
            kind: "wide",
            cell: (one) =>
              event ? (
                Object.keys(one.types).join(", ") || "–"
              ) : one.schema === null ? (
                "–"
              ) : (
                <Link to="/p/$project/plan" params={{ project }} search={sharedOf as never}>
                  {t("quality.dictionary.version", { version: one.schema })}
                </Link>
              ),
          },
          {
            name: t("quality.dictionary.owner"),
            kind: "wide",
            cell: (one) => inPlace(one, "owner", t("quality.dictionary.addOwner")),
          },
          {
            name: t("quality.dictionary.tags"),
            kind: "wide",
            cell: (one) => inPlace(one, "tags", t("quality.dictionary.addTags")),
          },
          { name: t("quality.dictionary.volume"), kind: "narrow", cell: (one) => formatNumber(one.volume, language) },
          {
            name: t("quality.dictionary.last"),
            kind: "wide",
            cell: (one) =>
              one.last_seen && one.first_seen ? (
                <>
                  <time dateTime={one.last_seen}>{formatMoment(one.last_seen, timezone, language, true)}</time>
                  <span className="under">
                    {t("quality.dictionary.first")}: {formatMoment(one.first_seen, timezone, language, true)}
                  </span>
                </>
              ) : (
                t("quality.dictionary.never")
              ),
          },
          {
            name: t("quality.dictionary.hide"),
            kind: "bare",
            cell: (one) =>
              writes ? (
                <button
                  type="button"
                  className="link"
                  aria-label={t(one.hidden ? "quality.dictionary.showOf" : "quality.dictionary.hideOf", {
                    name: one.name,
                  })}
                  onClick={() => void say(one, { hidden: !one.hidden }).catch(() => undefined)}
                >
                  {one.hidden ? t("quality.dictionary.show") : t("quality.dictionary.hide")}
                </button>
              ) : null,
          },
        ]}
      />
    </>
  );
}
