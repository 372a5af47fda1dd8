// The fields of a link, for its creation and for its change alike.
//
// Invariant: a field is shown only if the request's schema has it. Refused: to send anything.

import type { FieldError } from "../api";
import { fieldsOfItems, hasField } from "../openapi";
import { Check, Field } from "../ui/field";
import { RulesField } from "./rules";
import type { Expiry, Values } from "./values";

export interface FieldsProps {
  /** The schema of the request: ShortenRequest or PatchRequest. */
  request: string;
  values: Values;
  errors: FieldError[];
  set: (some: Partial<Values>) => void;
  /** Whether the link that is changed asks for a password. */
  locked?: boolean;
}

type TextName = {
  [K in keyof Values]: Values[K] extends string ? K : never;
}[keyof Values];

/** Reads a control into the values. */
const into =
  (set: FieldsProps["set"], name: TextName) => (event: { currentTarget: { value: string } }) =>
    set({ [name]: event.currentTarget.value });

export function Target({ values, errors, set }: FieldsProps) {
  return (
    <Field label="Destination" pointer="/long_url" errors={errors} class="target">
      {(tied) => (
        <input
          {...tied}
          type="url"
          inputMode="url"
          required
          autocomplete="off"
          data-first
          placeholder="https://example.com/a/long/address"
          value={values.long_url}
          onInput={into(set, "long_url")}
        />
      )}
    </Field>
  );
}

function ExpiryField({ request, values, errors, set }: FieldsProps) {
  const isNew = request === "ShortenRequest";
  return (
    <>
      <Field label="Expiry" pointer="/expiry" errors={errors}>
        {(tied) => (
          <select
            {...tied}
            value={values.expiry}
            onChange={(event) => set({ expiry: event.currentTarget.value as Expiry })}
          >
            {isNew && <option value="default">In five years</option>}
            <option value="never">Never</option>
            <option value="at">At a moment</option>
          </select>
        )}
      </Field>
      {values.expiry === "at" && (
        <Field label="Expires at" pointer="#expires" errors={[]} hint="In your own time zone.">
          {(tied) => (
            <input
              {...tied}
              type="datetime-local"
              value={values.expires}
              onInput={into(set, "expires")}
            />
          )}
        </Field>
      )}
    </>
  );
}

function Redirect({ values, errors, set }: FieldsProps) {
  return (
    <Field label="Redirect" pointer="/redirect" errors={errors}>
      {(tied) => (
        <select {...tied} value={values.redirect} onChange={into(set, "redirect")}>
          <option value="302">302 found (default)</option>
          <option value="301">301 permanent, kept by browsers</option>
          <option value="307">307 temporary, keeps the method</option>
          <option value="308">308 permanent, keeps the method</option>
        </select>
      )}
    </Field>
  );
}

interface TextProps extends FieldsProps {
  name: TextName;
  label: string;
  hint?: string;
  type?: "text" | "url" | "password";
  placeholder?: string;
}

function Text({ request, name, label, hint, type, placeholder, values, errors, set }: TextProps) {
  if (!hasField(request, name)) return null;
  return (
    <Field label={label} pointer={`/${name}`} errors={errors} hint={hint}>
      {(tied) => (
        <input
          {...tied}
          type={(type ?? "text") as "text"}
          autocomplete={type === "password" ? "new-password" : "off"}
          placeholder={placeholder}
          value={values[name]}
          onInput={into(set, name)}
        />
      )}
    </Field>
  );
}

/** Everything but the destination. */
export function Options(props: FieldsProps) {
  const { request, values, errors, set, locked } = props;
  const isNew = request === "ShortenRequest";
  return (
    <div class="options">
      <Text
        {...props}
        name="custom_alias"
        label="Alias"
        hint="3 to 64 letters, digits, - or _. A code is made if you leave it empty."
        placeholder="spring-sale"
      />
      <Text {...props} name="title" label="Title" hint="For you; visitors do not see it." />
      <Text {...props} name="tags" label="Tags" hint="Separated by commas." />
      <ExpiryField {...props} />
      <Redirect {...props} />
      <Text
        {...props}
        name="password"
        type="password"
        label={locked ? "New password" : "Password"}
        hint={locked ? "Leave it empty to keep the present one." : "Visitors must enter it."}
      />
      <Text
        {...props}
        name="max_clicks"
        label="Clicks at most"
        hint="Empty: without bound."
        placeholder="100"
      />
      <Text
        {...props}
        name="fallback_url"
        type="url"
        label="Fallback"
        hint="Where it leads once it is gone or used up."
      />
      <Text {...props} name="external_id" label="External id" hint="Your own name for it." />
      {locked && hasField(request, "password") && (
        <Check
          label="Remove the password"
          checked={values.forget_password}
          onChange={(forget_password) => set({ forget_password })}
        />
      )}
      {isNew && hasField(request, "reuse") && (
        <Check
          label="Use a live link like this one, if there is one"
          checked={values.reuse}
          onChange={(reuse) => set({ reuse })}
        />
      )}
      {hasField(request, "rules") && (
        <RulesField
          conditions={fieldsOfItems(request, "rules").filter((name) => name !== "to")}
          rules={values.rules}
          errors={errors}
          set={(rules) => set({ rules })}
        />
      )}
    </div>
  );
}
