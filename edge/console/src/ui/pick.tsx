// One of a few, on one line with its label.
//
// Invariant: what is shown is what was picked last. Refused: a label that only the eye sees.

interface Props<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [value: T, name: string])[];
  onPick: (value: T) => void;
}

export function Pick<T extends string>({ label, value, options, onPick }: Props<T>) {
  return (
    <label class="inline">
      <span>{label}</span>
      <select value={value} onChange={(event) => onPick(event.currentTarget.value as T)}>
        {options.map(([each, name]) => (
          <option key={each} value={each}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
