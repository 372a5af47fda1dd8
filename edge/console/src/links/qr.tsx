// The QR code of a link, to look at and to keep.
//
// Invariant: it is fetched with the key and shown from memory, as an image (which runs no script).
// Refused: where the API has no such path, the button to it is not there.

import { useEffect, useState } from "preact/hooks";
import { file, problemIn, sentence } from "../api";
import { hasPath } from "../openapi";
import { Dialog } from "../ui/dialog";
import { type Link, path } from "./types";

export const hasQr = (): boolean => hasPath("/api/v1/links/{code}/qr");

const KINDS = [
  { format: "svg", type: "image/svg+xml", query: {} },
  { format: "png", type: "image/png", query: { size: 512 } },
] as const;

export function Qr({ link, onClose }: { link: Link; onClose: () => void }) {
  const [addresses, setAddresses] = useState<Record<string, string>>({});
  const [wrong, setWrong] = useState<string | null>(null);

  useEffect(() => {
    const made: string[] = [];
    let over = false;
    const get = async ({ format, type, query }: (typeof KINDS)[number]) => {
      const blob = await file(`${path(link.short_code)}/qr`, { query: { format, ...query } });
      if (over) return;
      const address = URL.createObjectURL(new Blob([blob], { type }));
      made.push(address);
      setAddresses((now) => ({ ...now, [format]: address }));
    };
    const [shown, other] = KINDS;
    get(shown)
      .then(() => get(other).catch(() => undefined))
      .catch((why: unknown) => setWrong(sentence(problemIn(why))));
    return () => {
      over = true;
      for (const address of made) URL.revokeObjectURL(address);
    };
  }, []);

  return (
    <Dialog title="QR code" onClose={onClose}>
      <div class="qr">
        <div role="alert">{wrong && <p class="error">{wrong}</p>}</div>
        {addresses.svg && <img src={addresses.svg} alt={`QR code of ${link.short_url}`} />}
        {!addresses.svg && !wrong && <p role="status">Loading…</p>}
        <p class="breakable">{link.short_url}</p>
        <div class="row">
          {KINDS.filter(({ format }) => addresses[format]).map(({ format }) => (
            <a
              key={format}
              class="button plain"
              href={addresses[format]}
              download={`${link.short_code}.${format}`}
            >
              Save as {format.toUpperCase()}
            </a>
          ))}
        </div>
      </div>
    </Dialog>
  );
}
