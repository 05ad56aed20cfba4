const number = new Intl.NumberFormat('en', {maximumFractionDigits: 2});
const whole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const clock = new Intl.DateTimeFormat('en', {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'});
const day = new Intl.DateTimeFormat('en', {year: 'numeric', month: 'short', day: 'numeric'});

/** What is not known is said so, never shown as 0. */
export const unknown = '–';

export function devices(count: number | null | undefined): string {
  return count === null || count === undefined ? unknown : number.format(count);
}

export function count(value: number): string {
  return whole.format(value);
}

export function percent(part: number | null | undefined): string {
  return part === null || part === undefined ? unknown : `${whole.format(part * 100)} %`;
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return unknown;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let amount = value;
  let unit = 0;
  while (Math.abs(amount) >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${number.format(amount >= 100 ? Math.round(amount) : Math.round(amount * 10) / 10)} ${units[unit]}`;
}

/** A span in seconds, in its two largest units. */
export function span(seconds: number): string {
  const rest = Math.max(0, Math.floor(seconds));
  const units: [string, number][] = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ];
  const first = units.findIndex(([, size]) => rest >= size);
  if (first < 0) return '0 s';
  const [name, size] = units[first]!;
  const next = units[first + 1];
  const text = `${Math.floor(rest / size)} ${name}`;
  if (next === undefined) return text;
  const smaller = Math.floor((rest % size) / next[1]);
  return smaller === 0 ? text : `${text} ${smaller} ${next[0]}`;
}

/** Seconds between two instants; the end defaults to now. */
export function secondsBetween(from: string, to?: string | null, now = Date.now()): number {
  return ((to ? Date.parse(to) : now) - Date.parse(from)) / 1000;
}

/** In the reader's time zone: the time of day, with the date when that is another one than today's. */
export function instant(text: string | null | undefined, now = new Date()): string {
  if (!text) return unknown;
  const date = new Date(text);
  const today = date.toDateString() === now.toDateString();
  return today ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

export function fullInstant(text: string): string {
  return new Intl.DateTimeFormat('en', {dateStyle: 'full', timeStyle: 'long'}).format(new Date(text));
}

/** "worker" of index 3 of a workload's replicas. */
export const replicaName = (role: string, index: number) => `${role || 'replica'} ${index}`;

/** A CSV file's text: fields quoted where they must be, and none that a spreadsheet would run as a formula. */
export function csv(rows: (string | number | null | undefined)[][]): string {
  const field = (value: string | number | null | undefined) => {
    if (value === null || value === undefined) return '';
    let text = String(value);
    if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(field).join(',')).join('\r\n') + '\r\n';
}

export function download(name: string, text: string, type = 'text/plain') {
  const address = URL.createObjectURL(new Blob([text], {type: `${type};charset=utf-8`}));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
