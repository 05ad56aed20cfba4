// @vitest-environment jsdom
import {MantineProvider} from '@mantine/core';
import {cleanup, render, screen} from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import {useState} from 'react';
import {MemoryRouter} from 'react-router-dom';
import {afterEach, beforeAll, expect, test} from 'vitest';
import {Grid, type Column} from './grid';

interface Row {
  name: string;
  size: number | null;
}

beforeAll(() => {
  // What jsdom lacks: it lays nothing out.
  globalThis.ResizeObserver = class {
    observe() {}
    unobserve() {}
    disconnect() {}
  };
  window.matchMedia = (query) => ({matches: false, media: query, onchange: null, addListener() {}, removeListener() {}, addEventListener() {}, removeEventListener() {}, dispatchEvent: () => false});
  for (const [name, value] of [['offsetHeight', 600], ['clientHeight', 600], ['offsetWidth', 800], ['clientWidth', 800]] as const) {
    Object.defineProperty(HTMLElement.prototype, name, {value, configurable: true});
  }
  HTMLElement.prototype.getBoundingClientRect = () => new DOMRect(0, 0, 800, 600);
});
afterEach(() => {
  cleanup();
  localStorage.clear();
});

const columns: Column<Row>[] = [
  {id: 'name', title: 'Name', width: 100, grow: true, value: (row) => row.name},
  {id: 'size', title: 'Size', width: 80, numeric: true, value: (row) => row.size},
];
const many: Row[] = Array.from({length: 10_000}, (_, i) => ({name: `row ${i}`, size: i === 3 ? null : i}));

function Shown({rows}: {rows: Row[]}) {
  const [selected, setSelected] = useState<Set<string>>(new Set());
  return (
    <MantineProvider>
      <MemoryRouter>
        <Grid name="test" label="Rows" rows={rows} columns={columns} rowId={(row) => row.name} selected={selected} onSelect={setSelected} empty={<p>Nothing here</p>} />
        <output>{[...selected].join()}</output>
      </MemoryRouter>
    </MantineProvider>
  );
}

test('of ten thousand rows only those in sight are in the document', () => {
  render(<Shown rows={many} />);
  expect(screen.getByRole('grid').getAttribute('aria-rowcount')).toBe('10001');
  expect(screen.getAllByRole('row').length).toBeLessThan(60);
});

test('a column sorts, and what is not known comes last', async () => {
  render(<Shown rows={many.slice(0, 5)} />);
  const names = () => screen.getAllByRole('row').slice(1).map((row) => row.textContent);
  await userEvent.click(screen.getByRole('button', {name: /^Size/}));
  expect(names()[0]).toContain('row 4');
  expect(names().at(-1)).toContain('row 3');
  await userEvent.click(screen.getByRole('button', {name: /^Size/}));
  expect(names()[0]).toContain('row 0');
  expect(names().at(-1)).toContain('row 3');
});

test('arrow keys and Space select', async () => {
  render(<Shown rows={many.slice(0, 5)} />);
  screen.getByRole('grid').focus();
  await userEvent.keyboard('{ArrowDown}{ArrowDown} ');
  expect(screen.getByText('row 1', {selector: 'output'})).toBeTruthy();
});

test('without rows it says what is said there', () => {
  render(<Shown rows={[]} />);
  expect(screen.getByText('Nothing here')).toBeTruthy();
});
