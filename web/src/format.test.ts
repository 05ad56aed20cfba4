import {describe, expect, test} from 'vitest';
import {bytes, csv, devices, instant, percent, span, unknown} from './format';

test('what is not known is never shown as 0', () => {
  for (const format of [devices, bytes, percent]) {
    expect(format(null)).toBe(unknown);
    expect(format(undefined)).toBe(unknown);
  }
  expect(devices(0)).toBe('0');
});

test.each([
  [0, '0 s'],
  [59, '59 s'],
  [60, '1 min'],
  [61, '1 min 1 s'],
  [7260, '2 h 1 min'],
  [90_000, '1 d 1 h'],
  [-5, '0 s'],
])('%d seconds are %s', (seconds, text) => expect(span(seconds)).toBe(text));

test.each([
  [512, '512 B'],
  [1536, '1.5 KiB'],
  [85_899_345_920, '80 GiB'],
])('%d bytes are %s', (amount, text) => expect(bytes(amount)).toBe(text));

test('an instant of another day carries its date', () => {
  const now = new Date('2026-03-04T12:00:00');
  expect(instant('2026-03-04T09:08:07', now)).toBe('09:08:07');
  expect(instant('2026-03-03T09:08:07', now)).toBe('Mar 3, 2026, 09:08:07');
  expect(instant(undefined, now)).toBe(unknown);
});

describe('CSV', () => {
  test('quotes what must be quoted', () => {
    expect(csv([['a,b', 'say "hi"', 3, null]])).toBe('"a,b","say ""hi""",3,\r\n');
  });
  test('no field is a formula for a spreadsheet', () => {
    expect(csv([['=HYPERLINK("x")', '-1', -1]])).toBe(`"'=HYPERLINK(""x"")",'-1,-1\r\n`);
  });
});
