// A modal dialog: the browser's own, which holds the focus and makes the rest inert.
//
// Invariant: what was focused before gets the focus back, or the page's `data-refuge` when that is
// gone; Escape and the close button close alike.
// Refused: to close by itself while something is being sent (`busy`).

import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icon";

interface Props {
  title: string;
  onClose: () => void;
  busy?: boolean;
  wide?: boolean;
  /** Read out with the title: for a question that has no form. */
  alert?: boolean;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, busy, wide, alert, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();

  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = ref.current;
    dialog?.showModal();
    const first = dialog?.querySelector<HTMLElement>("[data-first]");
    first?.focus();
    return () => {
      dialog?.close();
      // Once everything else of this change is drawn, too.
      queueMicrotask(() => {
        if (before instanceof HTMLElement && before.isConnected) before.focus();
        else document.querySelector<HTMLElement>("[data-refuge]")?.focus();
      });
    };
  }, []);

  const cancel = (event: Event) => {
    event.preventDefault();
    if (!busy) onClose();
  };
  return (
    <dialog
      ref={ref}
      class={wide ? "wide" : ""}
      aria-labelledby={`${id}-title`}
      {...(alert ? { role: "alertdialog", "aria-describedby": `${id}-body` } : {})}
      onCancel={cancel}
    >
      <header>
        <h2 id={`${id}-title`}>{title}</h2>
        <button type="button" class="icon" onClick={cancel} disabled={busy} aria-label="Close">
          <Icon name="close" />
        </button>
      </header>
      <div id={`${id}-body`} class="body">
        {children}
      </div>
    </dialog>
  );
}
