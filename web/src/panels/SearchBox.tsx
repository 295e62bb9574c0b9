import { Search } from "lucide-react";
import { useState } from "react";

/** A text that is looked for when it is sent with Enter, or emptied. */
export function SearchBox(props: { label: string; value: string; onChange: (text: string) => void }) {
  const { label, value, onChange } = props;
  const [typed, setTyped] = useState(value);
  return (
    <form
      className="search"
      onSubmit={(event) => {
        event.preventDefault();
        onChange(typed.trim());
      }}
    >
      <Search size={16} aria-hidden="true" />
      <input
        type="search"
        data-key="search"
        aria-label={label}
        placeholder={label}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          if (!event.target.value) onChange("");
        }}
      />
    </form>
  );
}
