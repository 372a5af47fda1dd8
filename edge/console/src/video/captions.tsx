// Captions: the languages that there are, and the upload of another.
//
// Invariant: a language has one text; another upload replaces it. Refused: to judge a text, the API
// does, and says the line.

import { useRef, useState } from "preact/hooks";
import { call, type Problem, refusal } from "../api";
import { say } from "../ui/announce";
import { ConfirmDelete } from "../ui/confirm";
import { Field, Text } from "../ui/field";
import { useForm } from "../ui/form";
import { Icon } from "../ui/icon";
import { type Caption, path, type Video } from "./types";

const EMPTY = { language: "", label: "" };

/** The API names the language by no pointer, since it stands in the path. */
const TAG = /^[a-z]{2,3}(-[a-z0-9]{1,8})*$/i;

/** What is wrong with the text stands at the file. */
function inFile(problem: Problem): Problem {
  if (!problem.errors) return problem;
  const errors = problem.errors.map(({ pointer, detail }) =>
    pointer === ""
      ? { pointer: "/file", detail: `is not accepted: ${detail}` }
      : { pointer, detail },
  );
  return { ...problem, errors };
}

function Add({ video, onDone }: { video: Video; onDone: () => void }) {
  const form = useForm(EMPTY, inFile);
  const input = useRef<HTMLInputElement>(null);

  const add = async () => {
    const language = form.values.language.trim();
    const file = input.current?.files?.[0];
    const judged = [
      TAG.test(language) || { pointer: "/language", detail: "must be like en or pt-br" },
      file !== undefined || { pointer: "/file", detail: "is missing" },
    ];
    const wrong = judged.filter((each) => each !== true);
    if (wrong.length || !file) throw refusal(...wrong);
    const at = path(video.id, "captions", language.toLowerCase());
    const query = { label: form.values.label.trim() };
    await call(at, { method: "PUT", query, file: new Blob([file], { type: "text/vtt" }) });
    say(`Captions in ${language} are there`);
    form.reset(EMPTY);
    if (input.current) input.current.value = "";
    onDone();
  };
  const { values, errors, set, busy } = form;
  return (
    <form ref={form.ref} onSubmit={form.submit(add)} noValidate>
      <div class="options">
        <Text
          label="Language"
          pointer="/language"
          errors={errors}
          value={values.language}
          onInput={(language) => set({ language })}
          hint="Such as en or pt-br."
        />
        <Text
          label="Label"
          pointer="?label"
          errors={errors}
          value={values.label}
          onInput={(label) => set({ label })}
          hint="As viewers see it. Empty: the language."
        />
        <Field label="Captions file" pointer="/file" errors={errors} hint="WebVTT, up to 2 MiB.">
          {(tied) => <input {...tied} ref={input} type="file" accept=".vtt,text/vtt" />}
        </Field>
      </div>
      <div role="alert">{form.other && <p class="error">{form.other}</p>}</div>
      <button type="submit" class="plain" aria-disabled={busy}>
        {busy ? "Sending…" : "Add captions"}
      </button>
    </form>
  );
}

export function Captions({ video, onChanged }: { video: Video; onChanged: () => void }) {
  const [doomed, setDoomed] = useState<Caption | null>(null);
  const all = video.captions ?? [];
  const close = () => setDoomed(null);
  return (
    <section class="card captions" aria-labelledby="captions">
      <h2 id="captions" tabIndex={-1} data-refuge>
        Captions
      </h2>
      {all.length === 0 && <p class="hint">None yet.</p>}
      {all.length > 0 && (
        <ul class="tracks">
          {all.map((each) => (
            <li key={each.language}>
              <span class="breakable">
                {each.label} <span class="hint">{each.language}</span>
              </span>
              <button
                type="button"
                class="icon"
                onClick={() => setDoomed(each)}
                aria-label={`Delete the captions in ${each.language}`}
                title="Delete"
              >
                <Icon name="trash" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <Add video={video} onDone={onChanged} />
      {doomed && (
        <ConfirmDelete
          title="Delete these captions?"
          path={path(video.id, "captions", doomed.language)}
          onClose={close}
          onDone={() => {
            close();
            say(`Deleted the captions in ${doomed.language}`);
            onChanged();
          }}
        >
          <p class="breakable">
            Viewers will not find {doomed.label} ({doomed.language}) any more.
          </p>
        </ConfirmDelete>
      )}
    </section>
  );
}
