import {describe, expect, test} from 'vitest';
import {merged} from './live';
import {parseEvents, type ServerEvent} from './sse';

describe('server-sent events', () => {
  test('are split wherever the pieces are cut', () => {
    const text = 'retry: 1000\n\nevent: reset\nid: a-1-2\ndata: {}\n\n: still here\n\nevent: workload\ndata: {"a":\ndata: 1}\n\nevent: tu';
    const whole: ServerEvent[] = [];
    const rest = parseEvents(text, (event) => whole.push(event));
    expect(whole).toEqual([
      {event: 'reset', id: 'a-1-2', data: '{}'},
      {event: 'workload', id: '', data: '{"a":\n1}'},
    ]);
    expect(rest).toBe('event: tu');
    const pieces: ServerEvent[] = [];
    let left = '';
    for (const letter of text) left = parseEvents(left + letter, (event) => pieces.push(event));
    expect(pieces).toEqual(whole);
  });
});

describe('a list and its changes', () => {
  const nameOf = (item: {name: string; value: number}) => item.name;
  const list = [
    {name: 'a', value: 1},
    {name: 'b', value: 1},
  ];
  test('changed items keep their places, new ones come last, gone ones go', () => {
    const changes = new Map([
      ['b', {name: 'b', value: 2}],
      ['c', {name: 'c', value: 2}],
      ['a', null],
      ['never', null],
    ]);
    expect(merged(list, changes, nameOf)).toEqual([
      {name: 'b', value: 2},
      {name: 'c', value: 2},
    ]);
  });
  test('nothing changed: the same list', () => {
    expect(merged(list, new Map(), nameOf)).toBe(list);
  });
});
