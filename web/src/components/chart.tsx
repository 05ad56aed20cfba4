import {useComputedColorScheme} from '@mantine/core';
import {useEffect, useMemo, useRef} from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import {devices as amount} from '../format';

export interface Line {
  label: string;
  /** A custom property of the style sheet, or a colour. */
  colour: string;
  values: (number | null)[];
  dashed?: boolean;
  filled?: boolean;
}

export interface ChartProps {
  label: string;
  times: string[];
  lines: Line[];
  /** Bands lie on one another instead of lines over one another. */
  stacked?: boolean;
  height?: number;
  format?: (value: number) => string;
}

/** Each line on top of those before it. */
export function stack(lines: Line[]): Line[] {
  const sums: number[] = [];
  return lines.map((line) => ({
    ...line,
    values: line.values.map((value, i) => {
      sums[i] = (sums[i] ?? 0) + (value ?? 0);
      return sums[i]!;
    }),
  }));
}

/** Values over time in the reader's time zone, with a legend that says the newest ones in words. */
export default function Chart({label, times, lines, stacked = false, height = 200, format = amount}: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light');
  const seconds = useMemo(() => times.map((time) => Date.parse(time) / 1000), [times]);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const style = getComputedStyle(element);
    const colour = (name: string) => {
      if (!name.startsWith('--')) return name;
      // Resolves light-dark() to the colour of the scheme.
      const probe = document.createElement('span');
      probe.style.color = `var(${name})`;
      element.append(probe);
      const value = getComputedStyle(probe).color;
      probe.remove();
      return value;
    };
    const drawn = stacked ? stack(lines).reverse() : lines;
    const short = (seconds.at(-1) ?? 0) - (seconds[0] ?? 0) < 600;
    const clock: Intl.DateTimeFormatOptions = {hour: '2-digit', minute: '2-digit', ...(short ? {second: '2-digit'} : {}), hourCycle: 'h23'};
    const axis = {stroke: colour('--quiet'), grid: {stroke: colour('--line'), width: 1}, ticks: {show: false}, font: `11px ${style.fontFamily}`};
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height,
        legend: {show: false},
        cursor: {points: {size: 6}, drag: {x: false, y: false}},
        padding: [8, 8, 0, 0],
        scales: {y: {range: (_plot, _low, high) => [0, Math.max(1, high * 1.08)]}},
        axes: [
          {...axis, size: 26, space: 80, values: (_plot, ticks) => ticks.map((tick) => new Date(tick * 1000).toLocaleTimeString('en', clock))},
          {...axis, size: 44, values: (_plot, ticks) => ticks.map(format)},
        ],
        series: [
          {},
          ...drawn.map((line) => ({
            label: line.label,
            stroke: colour(line.colour),
            width: stacked ? 1 : 2,
            dash: line.dashed === true ? [5, 4] : undefined,
            fill: stacked || line.filled === true ? colour(line.colour).replace(/^rgb\((.*)\)$/, stacked ? 'rgb($1)' : 'rgba($1, 0.16)') : undefined,
            points: {show: false},
          })),
        ],
      },
      [seconds, ...drawn.map((line) => line.values)] as uPlot.AlignedData,
      element,
    );
    const watch = new ResizeObserver(() => plot.setSize({width: element.clientWidth, height}));
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [seconds, lines, height, scheme, stacked, format]);

  if (times.length < 2) {
    return (
      <p className="quiet chart-wait" style={{minHeight: height}}>
        Lines show from the second sample on: one is taken every ten seconds.
      </p>
    );
  }
  const newest = (line: Line) => {
    const value = line.values.at(-1);
    return value === null || value === undefined ? '–' : format(value);
  };
  return (
    <figure className="chart">
      <div ref={box} role="img" aria-label={`${label}, now: ${lines.map((line) => `${line.label} ${newest(line)}`).join(', ')}`} style={{minHeight: height}} />
      <figcaption>
        {lines.map((line) => (
          <span key={line.label} className="legend">
            <span aria-hidden="true" className="legend-mark" style={{background: line.colour.startsWith('--') ? `var(${line.colour})` : line.colour}} />
            {line.label} <strong>{newest(line)}</strong>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
