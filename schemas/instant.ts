/**
 * Times as the API shows and takes them. The text of each day is made only once, since making it by Date is most of what a list costs;
 * measured in docs/performance.md.
 */
const DAY = 24 * 60 * 60 * 1000;

const two = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));
const three = Array.from({ length: 1_000 }, (_, number) => String(number).padStart(3, '0'));

/** It needs no limit: clients choose no time but the end of a token, within ten years, so there are a few thousand days. */
const days = new Map<number, string>();

/** @returns a day, by its number since 1970, as the beginning of a time, such as 2026-01-31T. */
function dayOf(number: number): string {
  const known = days.get(number);
  if (known !== undefined) return known;
  const text = new Date(number * DAY).toISOString().slice(0, 'YYYY-MM-DDT'.length);
  days.set(number, text);
  return text;
}

/** @param milliseconds since 1970, before the year 10000. @returns the time as ISO 8601 in UTC. */
export function instant(milliseconds: number): string {
  const day = Math.floor(milliseconds / DAY);
  const rest = milliseconds - day * DAY;
  const seconds = Math.floor(rest / 1_000);
  const minutes = Math.floor(seconds / 60);
  return `${dayOf(day)}${two[Math.floor(minutes / 60)]}:${two[minutes % 60]}:${two[seconds % 60]}.${three[rest % 1_000]}Z`;
}

/** RFC 3339, or a date alone. A + that is not encoded in a query comes as a space. */
const INSTANT =
  /^(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+ -])([01]\d|2[0-3]):([0-5]\d)))?$/;

/**
 * @param text an instant with any offset (RFC 3339), or a day, which is its beginning in UTC.
 * @returns milliseconds since 1970, rounded up; undefined when there is no such instant: Date takes the 31st of February for a day of
 * March.
 */
export function parseInstant(text: string): number | undefined {
  const [, date = '', time = '00:00:00', fraction = '', sign, hours = '0', minutes = '0'] =
    INSTANT.exec(text) ?? [];
  const local = Date.parse(`${date}T${time}Z`);
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(`${date}T${time}`)) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  const milliseconds = Number(fraction.slice(0, 3).padEnd(3, '0'));
  const isBeyond = /[1-9]/.test(fraction.slice(3)) ? 1 : 0;
  return local - offset + milliseconds + isBeyond;
}
