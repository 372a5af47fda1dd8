// A button that copies a text.
//
// Invariant: it says whether it worked, to eyes and to ears. Refused: to copy a key.

import { useRef, useState } from "preact/hooks";
import { say, warn } from "./announce";
import { Icon } from "./icon";

const SHOWN_MS = 2_000;

interface Props {
  text: string;
  /** What is copied, for the button's name. */
  what: string;
  label?: string;
}

export function Copy({ text, what, label }: Props) {
  const [done, setDone] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      warn(`Copying is not possible here. The text is ${text}`);
      return;
    }
    say(`Copied ${text}`);
    setDone(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setDone(false), SHOWN_MS);
  };
  return (
    <button
      type="button"
      class={label ? "plain" : "icon"}
      onClick={copy}
      aria-label={label ? `${label} ${what}` : `Copy ${what}`}
      title="Copy"
    >
      <Icon name={done ? "check" : "copy"} />
      {label}
    </button>
  );
}
