import {Checkbox, Menu, Button} from '@mantine/core';
import {useMediaQuery} from '@mantine/hooks';
import {
  flexRender,
  getCoreRowModel,
  getSortedRowModel,
  useReactTable,
  type ColumnDef,
  type RowSelectionState,
  type SortingState,
  type VisibilityState,
} from '@tanstack/react-table';
import {useVirtualizer} from '@tanstack/react-virtual';
import {useId, useMemo, useRef, useState, type KeyboardEvent, type ReactNode} from 'react';
import {useNavigate} from 'react-router-dom';
import {csv, download} from '../format';
import {useRemembered} from '../hooks';

export interface Column<T> {
  id: string;
  title: string;
  /** What it is sorted by, and written into a CSV file. */
  value: (row: T) => string | number | null;
  cell?: (row: T) => ReactNode;
  width: number;
  /** Takes what is left over. */
  grow?: boolean;
  numeric?: boolean;
  /** Shown on a phone, too. */
  narrow?: boolean;
  /** Not shown until it is chosen. */
  hidden?: boolean;
}

const rowHeight = 40;
const narrowRowHeight = 56;

export interface GridProps<T> {
  name: string;
  label: string;
  rows: T[];
  columns: Column<T>[];
  rowId: (row: T) => string;
  /** Where a row leads. */
  link?: (row: T) => string;
  selected?: ReadonlySet<string>;
  onSelect?: (selected: Set<string>) => void;
  sort?: {id: string; desc: boolean};
  empty: ReactNode;
  /** Beside the choice of columns. */
  tools?: ReactNode;
  height?: string;
}

/**
 * A table of any length: only rows in sight are in the document. Arrow keys move, Enter opens, Space selects; sorting,
 * choice of columns and CSV are built in. The reader's choices are remembered under `name`.
 */
export function Grid<T>(props: GridProps<T>) {
  const {rows, columns, rowId, link, selected, onSelect} = props;
  const narrow = useMediaQuery('(max-width: 48em)', false, {getInitialValueInEffect: false}) ?? false;
  const navigate = useNavigate();
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(-1);
  const [sorting, setSorting] = useRemembered<SortingState>(`${props.name}.sort`, props.sort ? [props.sort] : []);
  const [chosen, setChosen] = useRemembered<VisibilityState>(
    `${props.name}.columns`,
    Object.fromEntries(columns.filter((column) => column.hidden).map((column) => [column.id, false])),
  );
  const visibility = useMemo<VisibilityState>(
    () => (narrow ? Object.fromEntries(columns.map((column) => [column.id, column.narrow === true])) : chosen),
    [narrow, columns, chosen],
  );
  const definitions = useMemo<ColumnDef<T>[]>(
    () =>
      columns.map((column) => ({
        id: column.id,
        accessorFn: (row: T) => column.value(row) ?? undefined,
        header: column.title,
        cell: ({row}) => (column.cell !== undefined ? column.cell(row.original) : column.value(row.original)),
        size: column.width,
        sortUndefined: 'last',
        sortingFn: column.numeric ? 'basic' : 'alphanumeric',
      })),
    [columns],
  );
  const selection = useMemo<RowSelectionState>(
    () => Object.fromEntries([...(selected ?? [])].map((key) => [key, true])),
    [selected],
  );
  const table = useReactTable({
    data: rows,
    columns: definitions,
    getRowId: rowId,
    state: {sorting, columnVisibility: visibility, rowSelection: selection},
    onSortingChange: (change) => setSorting(typeof change === 'function' ? change(sorting) : change),
    onColumnVisibilityChange: (change) => setChosen(typeof change === 'function' ? change(chosen) : change),
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    autoResetAll: false,
  });
  const shown = table.getRowModel().rows;
  const height = narrow ? narrowRowHeight : rowHeight;
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
  });
  const byId = useMemo(() => new Map(columns.map((column) => [column.id, column])), [columns]);
  const visible = table.getVisibleLeafColumns();
  const widths = visible.map((column) => {
    const own = byId.get(column.id)!;
    return own.grow === true ? `minmax(${narrow ? 0 : own.width}px, 1fr)` : `${own.width}px`;
  });
  const template = [...(onSelect !== undefined ? ['40px'] : []), ...widths].join(' ');
  const least = visible.reduce((sum, column) => sum + byId.get(column.id)!.width, onSelect !== undefined ? 40 : 0);

  const toggle = (key: string) => {
    if (onSelect === undefined) return;
    const next = new Set(selected);
    if (!next.delete(key)) next.add(key);
    onSelect(next);
  };

  const onKey = (event: KeyboardEvent) => {
    if (event.target !== scroller.current) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / height) - 2);
    const moves: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: shown.length - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) {
      event.preventDefault();
      const next = Math.min(Math.max(to, 0), shown.length - 1);
      setActive(next);
      if (next >= 0) virtual.scrollToIndex(next);
      return;
    }
    const row = shown[active];
    if (row === undefined) return;
    if (event.key === 'Enter' && link !== undefined) navigate(link(row.original));
    if (event.key === ' ') {
      event.preventDefault();
      toggle(row.id);
    }
  };

  const save = () => {
    const all = columns.filter((column) => narrow || visibility[column.id] !== false);
    download(
      `${props.name}.csv`,
      csv([all.map((column) => column.title), ...shown.map((row) => all.map((column) => column.value(row.original)))]),
      'text/csv',
    );
  };

  const every = shown.length > 0 && shown.every((row) => selection[row.id]);
  const activeRow = shown[active];
  return (
    <div className="grid">
      <div className="grid-tools">
        {props.tools}
        <span className="grid-count" role="status">
          {shown.length.toLocaleString('en')} {shown.length === 1 ? 'row' : 'rows'}
        </span>
        {!narrow && (
          <Menu closeOnItemClick={false} position="bottom-end">
            <Menu.Target>
              <Button variant="default" size="xs">
                Columns
              </Button>
            </Menu.Target>
            <Menu.Dropdown className="columns-menu">
              {columns.map((column) => (
                <Menu.Item
                  key={column.id}
                  role="menuitemcheckbox"
                  aria-checked={visibility[column.id] !== false}
                  onClick={() => setChosen({...chosen, [column.id]: visibility[column.id] === false})}
                  leftSection={<span aria-hidden="true">{visibility[column.id] !== false ? '☑' : '☐'}</span>}
                >
                  {column.title}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        )}
        <Button variant="default" size="xs" onClick={save} disabled={shown.length === 0}>
          CSV
        </Button>
      </div>
      {shown.length === 0 ? (
        props.empty
      ) : (
        <div
          ref={scroller}
          className="grid-scroller"
          role="grid"
          aria-label={props.label}
          aria-rowcount={shown.length + 1}
          aria-multiselectable={onSelect !== undefined}
          aria-activedescendant={activeRow !== undefined ? `${id}-${activeRow.id}` : undefined}
          tabIndex={0}
          onKeyDown={onKey}
          style={{maxHeight: props.height ?? 'calc(100dvh - 15rem)'}}
        >
          <div role="rowgroup" className="grid-head" style={{minWidth: narrow ? 0 : least}}>
            <div role="row" aria-rowindex={1} className="grid-row" style={{gridTemplateColumns: template}}>
              {onSelect !== undefined && (
                <div role="columnheader" className="grid-cell grid-check">
                  <Checkbox
                    size="xs"
                    aria-label="Select all"
                    checked={every}
                    indeterminate={!every && shown.some((row) => selection[row.id])}
                    onChange={() => onSelect(every ? new Set() : new Set(shown.map((row) => row.id)))}
                  />
                </div>
              )}
              {table.getFlatHeaders().map((header) => {
                const direction = header.column.getIsSorted();
                return (
                  <div
                    key={header.id}
                    role="columnheader"
                    className={`grid-cell ${byId.get(header.column.id)!.numeric ? 'numeric' : ''}`}
                    aria-sort={direction === false ? 'none' : direction === 'asc' ? 'ascending' : 'descending'}
                  >
                    <button type="button" className="grid-sort" onClick={header.column.getToggleSortingHandler()}>
                      {flexRender(header.column.columnDef.header, header.getContext())}
                      <span aria-hidden="true">{direction === false ? '' : direction === 'asc' ? ' ↑' : ' ↓'}</span>
                    </button>
                  </div>
                );
              })}
            </div>
          </div>
          <div role="rowgroup" style={{height: virtual.getTotalSize(), minWidth: narrow ? 0 : least, position: 'relative'}}>
            {virtual.getVirtualItems().map((item) => {
              const row = shown[item.index]!;
              return (
                <div
                  key={row.id}
                  id={`${id}-${row.id}`}
                  role="row"
                  aria-rowindex={item.index + 2}
                  aria-selected={onSelect !== undefined ? selection[row.id] === true : undefined}
                  className={`grid-row grid-line ${item.index === active ? 'grid-active' : ''} ${selection[row.id] ? 'grid-selected' : ''}`}
                  style={{gridTemplateColumns: template, height: item.size, transform: `translateY(${item.start}px)`}}
                  onMouseDown={() => setActive(item.index)}
                >
                  {onSelect !== undefined && (
                    <div role="gridcell" className="grid-cell grid-check">
                      <Checkbox
                        size="xs"
                        aria-label={`Select ${row.id}`}
                        checked={selection[row.id] === true}
                        onChange={() => toggle(row.id)}
                      />
                    </div>
                  )}
                  {row.getVisibleCells().map((cell) => (
                    <div key={cell.id} role="gridcell" className={`grid-cell ${byId.get(cell.column.id)!.numeric ? 'numeric' : ''}`}>
                      {flexRender(cell.column.columnDef.cell, cell.getContext())}
                    </div>
                  ))}
                </div>
              );
            })}
          </div>
        </div>
      )}
    </div>
  );
}
