/** Samples the memory and the descriptors of a service, and tells how they grow. */
import { childrenOf, descriptorCount, residentMemory } from '../memory.ts';

const HOUR = 3_600_000;

/** What is sampled, with the growth over the whole time that still counts as level: less than what one sample differs from the next. */
const MEASURES: Record<string, { read(primary: number): number; level: number }> = {
  'memory of the primary, MB': { read: residentMemory, level: 20 },
  'memory of the largest worker, MB': {
    read: (primary) => Math.max(...childrenOf(primary).map(residentMemory)),
    level: 40,
  },
  'descriptors of the primary': { read: descriptorCount, level: 8 },
  'most descriptors of a worker': {
    read: (primary) => Math.max(...childrenOf(primary).map(descriptorCount)),
    level: 16,
  },
};

type Sample = { at: number; value: number };

/** @returns the slope of the line that is nearest to the samples (least squares). */
function slopeOf(samples: Sample[]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [at, value] = [mean(samples.map((each) => each.at)), mean(samples.map((each) => each.value))];
  const spread = samples.reduce((sum, each) => sum + (each.at - at) ** 2, 0);
  return spread === 0
    ? 0
    : samples.reduce((sum, each) => sum + (each.at - at) * (each.value - value), 0) / spread;
}

export class Samples {
  readonly #samples = new Map<string, Sample[]>(Object.keys(MEASURES).map((name) => [name, []]));

  /** Reads all measures now. @param primary the id of the process. */
  take(primary: number): void {
    for (const [name, samples] of this.#samples)
      samples.push({ at: Date.now(), value: MEASURES[name]?.read(primary) ?? 0 });
  }

  /** @returns a line for each measure: the last value, its growth in an hour, and whether it is level. */
  report() {
    return [...this.#samples].map(([name, samples]) => {
      const slope = slopeOf(samples);
      const time = (samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0);
      return {
        measure: name,
        samples: samples.length,
        last: samples.at(-1)?.value ?? 0,
        'in an hour': slope * HOUR,
        level: slope * time < (MEASURES[name]?.level ?? 0) ? 'yes' : 'NO',
      };
    });
  }
}
