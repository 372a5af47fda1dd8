// Signing in with a service key.
//
// Invariant: the key is tried before it is kept; the field is a password's, so that no history and no
// shoulder keeps it. Refused: a key in the address.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { call, type FieldError, problemIn, sentence } from "./api";
import { learn } from "./openapi";
import { begin, ended } from "./session";
import { Field } from "./ui/field";

/** Throws unless the edge knows the key; one that lacks a product's scope is known all the same. */
async function tryOut(key: string): Promise<void> {
  try {
    await call("/api/v1/links", { query: { limit: 1 }, key });
  } catch (why) {
    if (problemIn(why).status !== 403) throw why;
  }
}

export function SignIn() {
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<FieldError[]>([]);
  const [other, setOther] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);

  useLayoutEffect(() => {
    document.title = "Sign in · Selvedge";
    input.current?.focus();
  }, []);

  const refuse = (detail: string) => {
    setErrors([{ pointer: "/key", detail }]);
    input.current?.focus();
  };

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    const given = input.current?.value.trim() ?? "";
    setOther(null);
    setErrors([]);
    if (given === "") return refuse("is missing: paste it here");
    if (!/^[\x21-\x7e]+$/.test(given)) return refuse("has characters that no key has");
    setBusy(true);
    try {
      // The document now, so that the first page is whole when it takes the focus.
      await Promise.all([tryOut(given), learn()]);
      begin(given);
    } catch (why) {
      const problem = problemIn(why);
      setBusy(false);
      if (problem.status === 401) refuse(`was not accepted: ${problem.detail ?? problem.title}`);
      else setOther(sentence(problem));
    }
  };

  return (
    <section class="sign-in">
      <h1 tabIndex={-1}>Sign in</h1>
      {ended.value && (
        <p class="note" role="status">
          {ended.value}
        </p>
      )}
      <form onSubmit={submit} noValidate>
        <Field
          label="Service key"
          pointer="/key"
          errors={errors}
          hint="It stays in this tab and is forgotten when the tab closes."
        >
          {(tied) => (
            <input
              {...tied}
              ref={input}
              type="password"
              autocomplete="off"
              spellcheck={false}
              placeholder="sk_…"
            />
          )}
        </Field>
        <div role="alert">{other && <p class="error">{other}</p>}</div>
        <button type="submit" class="primary" aria-disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
      <p class="hint">
        <code>scripts/dev</code> prints one for local use; an operator makes others with{" "}
        <code>POST /admin/keys</code>.
      </p>
    </section>
  );
}
