// What forms share: the values, the problem that came back, and where its parts are shown.
//
// Invariant: an error stands at the field that its pointer names; what no shown field takes stands in
// `other`, which the form shows in a live region; one step at a time. Refused: to lose what was typed.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type FieldError, type Problem, problemIn, sentence } from "../api";
import { errorsAt, focusFirst } from "./field";

/** Problems that concern one field and name none, with the field. */
const AT: Record<string, string> = {
  "links/alias-taken": "/custom_alias",
  "links/external-id-taken": "/external_id",
};

export function fieldErrors(problem: Problem): FieldError[] {
  if (problem.errors?.length) return problem.errors;
  const kind = Object.keys(AT).find((slug) => problem.type.endsWith(`/problems/${slug}`));
  const detail = "is taken: choose another";
  return kind ? [{ pointer: AT[kind] ?? "", detail }] : [];
}

const worded = ({ pointer, detail }: FieldError): string =>
  pointer ? `${pointer}: ${detail}` : detail;

/** Says where a problem stands in the form; null: it is dealt with. */
type Place = (problem: Problem) => Problem | null | Promise<Problem | null>;

export function useForm<V>(start: V, place: Place = (problem) => problem) {
  const ref = useRef<HTMLFormElement>(null);
  const [values, setValues] = useState(start);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [other, setOther] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const errors = problem ? fieldErrors(problem) : [];

  // Before the next key can come: a focus that moves later takes what is typed elsewhere.
  useLayoutEffect(() => {
    if (!problem) return setOther(null);
    const shown = [...(ref.current?.querySelectorAll<HTMLElement>("[data-pointer]") ?? [])];
    const homeless = errors.filter(
      (each) => !shown.some(({ dataset }) => errorsAt([each], dataset.pointer ?? "-").length > 0),
    );
    if (errors.length === 0) setOther(sentence(problem));
    else if (homeless.length === 0) setOther(null);
    else setOther(homeless.map(worded).join("; "));
    focusFirst(ref.current, errors);
  }, [problem]);

  /** What a step throws is the form's problem. */
  const run = async (step: () => Promise<void>) => {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      await step();
    } catch (why) {
      setProblem(await place(problemIn(why)));
    } finally {
      setBusy(false);
    }
  };
  return {
    ref,
    values,
    errors,
    other,
    busy,
    run,
    /** For `onSubmit`. */
    submit: (step: () => Promise<void>) => (event: Event) => {
      event.preventDefault();
      void run(step);
    },
    set: (some: Partial<V>) => setValues((now) => ({ ...now, ...some })),
    reset: (next: V) => setValues(() => next),
  };
}
