// What this edge can do, as its OpenAPI document says: fields and paths that it lacks are not shown.
//
// Invariant: read once per page, without the key. Refused: to guess; what the document does not name
// does not exist.

import { signal } from "@preact/signals";
import { call } from "./api";

interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  $ref?: string;
  anyOf?: Schema[];
}

interface Document {
  paths: Record<string, Record<string, unknown>>;
  components?: { schemas?: Record<string, Schema> };
}

export const known = signal<Document | null>(null);

let asked: Promise<void> | undefined;

/** Asks for the document, once; a failure may be tried again. */
export function learn(): Promise<void> {
  asked ??= call<Document>("/api/openapi.json", { key: "" }).then(
    ({ body }) => void (known.value = body),
    (why: unknown) => {
      asked = undefined;
      throw why;
    },
  );
  return asked;
}

const schema = (name: string): Schema | undefined => known.value?.components?.schemas?.[name];

function resolve(given: Schema | undefined): Schema | undefined {
  if (given?.$ref) return schema(given.$ref.split("/").pop() ?? "");
  const one = given?.anyOf?.find((each) => each.type !== "null");
  return one ? resolve(one) : given;
}

/** Whether a request or an answer has the field. */
export const hasField = (of: string, field: string): boolean =>
  schema(of)?.properties?.[field] !== undefined;

/** The fields of the items of a field that is a list. */
export function fieldsOfItems(of: string, field: string): string[] {
  const items = resolve(resolve(schema(of)?.properties?.[field])?.items);
  return Object.keys(items?.properties ?? {});
}

export const hasPath = (path: string, method = "get"): boolean =>
  known.value?.paths[path]?.[method] !== undefined;
