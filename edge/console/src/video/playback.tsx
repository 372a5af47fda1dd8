// Playback tokens of a signed video, for whoever may see it.
//
// Invariant: a token is shown once and stands in no store; it ends by its time. Refused: a token for
// a public video, which needs none.

import { useState } from "preact/hooks";
import { call } from "../api";
import { say } from "../ui/announce";
import { Choice, Text } from "../ui/field";
import { useForm } from "../ui/form";
import { asMoment } from "../ui/when";
import { Addresses } from "./player";
import { path, type Playback, type Video } from "./types";

const EMPTY = { ttl_s: "14400", plan: "", max_height: "", ip_prefix: "" };
const TIMES = [
  ["900", "15 minutes"],
  ["3600", "1 hour"],
  ["14400", "4 hours"],
  ["86400", "1 day"],
] as const;
const HEIGHTS = [
  ["", "every size"],
  ...[240, 360, 480, 720, 1080, 1440, 2160].map((n) => [String(n), `${n}p`] as const),
] as const;

export function Tokens({ video }: { video: Video }) {
  const form = useForm(EMPTY);
  const [made, setMade] = useState<Playback | null>(null);

  const make = async () => {
    const { ttl_s, plan, max_height, ip_prefix } = form.values;
    const body = {
      ttl_s: Number(ttl_s),
      ...(plan.trim() ? { plan: plan.trim() } : {}),
      ...(max_height ? { max_height: Number(max_height) } : {}),
      ...(ip_prefix.trim() ? { ip_prefix: ip_prefix.trim() } : {}),
    };
    const answer = await call<Playback>(path(video.id, "playback"), { method: "POST", body });
    setMade(answer.body);
    say("The token was made");
  };
  const { values, errors, set, busy } = form;
  return (
    <section class="card tokens" aria-labelledby="tokens">
      <h2 id="tokens">Let somebody play it</h2>
      <form ref={form.ref} onSubmit={form.submit(make)} noValidate>
        <div class="options">
          <Choice
            label="For"
            pointer="/ttl_s"
            errors={errors}
            value={values.ttl_s}
            onInput={(ttl_s) => set({ ttl_s })}
            options={TIMES}
          />
          <Choice
            label="Pictures up to"
            pointer="/max_height"
            errors={errors}
            value={values.max_height}
            onInput={(max_height) => set({ max_height })}
            options={HEIGHTS}
          />
          <Text
            label="Plan"
            pointer="/plan"
            errors={errors}
            value={values.plan}
            onInput={(plan) => set({ plan })}
            hint="One that the video's policy knows. May be empty."
          />
          <Text
            label="Only from the network"
            pointer="/ip_prefix"
            errors={errors}
            value={values.ip_prefix}
            onInput={(ip_prefix) => set({ ip_prefix })}
            placeholder="192.0.2.0/24"
            hint="May be empty."
          />
        </div>
        <div role="alert">{form.other && <p class="error">{form.other}</p>}</div>
        <button type="submit" class="plain" aria-disabled={busy}>
          {busy ? "Making…" : "Make a token"}
        </button>
      </form>
      {made && (
        <>
          <p class="hint">Until {asMoment(made.expires_at)}. It cannot be taken back.</p>
          <Addresses
            of={[
              ["HLS", made.hls_url],
              ["DASH", made.dash_url],
              ["Embed page", made.embed_url],
            ]}
          />
        </>
      )}
    </section>
  );
}
