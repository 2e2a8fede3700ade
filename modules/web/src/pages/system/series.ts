/** What the charts of the system page show, as of one look of the monitor. */
export interface Sample {
  /** Of the look, by the clock of this browser (unix ms). */
  readonly atMs: number;
  readonly lagS: number;
  readonly sessions: number;
  readonly backlogS: number;
  readonly memoryBytes: number;
}

export type Figure = Exclude<keyof Sample, "atMs">;

/** How far back the charts go; nothing older is kept. */
export const SPAN_MS = 5 * 60_000;
export const STEP_MS = 2_000;
/** A value holds until the next look is overdue; then nobody knows. */
const HOLDS_MS = 3 * STEP_MS;
/** Looks that are nearer than this are the same one, read twice. */
const SAME_MS = STEP_MS / 4;

/** The samples with a new one, without those that are too old; the same look twice counts once. */
export function remember(known: readonly Sample[], sample: Sample): readonly Sample[] {
  const last = known.at(-1);
  if (last && sample.atMs - last.atMs < SAME_MS) return known;
  return [...known.filter((one) => sample.atMs - one.atMs <= SPAN_MS), sample];
}

/** One value a step over the whole span until `untilMs`, oldest first; null where nobody looked. */
export function line(samples: readonly Sample[], figure: Figure, untilMs: number): (number | null)[] {
  const values: (number | null)[] = [];
  let next = 0;
  for (let atMs = untilMs - SPAN_MS + STEP_MS; atMs <= untilMs; atMs += STEP_MS) {
    while (next < samples.length && (samples[next]?.atMs ?? 0) <= atMs) next += 1;
    const sample = samples[next - 1];
    values.push(sample && atMs - sample.atMs <= HOLDS_MS ? sample[figure] : null);
  }
  return values;
}
