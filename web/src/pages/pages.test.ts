import {describe, expect, test} from 'vitest';
import type {Device, QueueView} from '../api/client';
import {stack} from '../components/chart';
import {describeDevices, requestedDevices} from '../workload';
import {describe as describeDevice, isIdle} from './devices';
import {appendLines} from './logs';
import {summarise} from './overview';
import {treeOf} from './queues';
import {changed, fromYaml, joinCommand, splitCommand, toYaml} from './submit';

describe('a command line', () => {
  test.each([
    ['python3 train.py --lr 0.1', ['python3', 'train.py', '--lr', '0.1']],
    [`sh -c 'echo "hi  there"'`, ['sh', '-c', 'echo "hi  there"']],
    ['a "b \\" c" d\\ e', ['a', 'b " c', 'd e']],
    [`''`, ['']],
    ['   ', []],
  ])('%s', (text, words) => {
    expect(splitCommand(text)).toEqual(words);
    expect(splitCommand(joinCommand(words))).toEqual(words);
  });
  test("quotes within words survive", () => {
    const words = ["it's", '$HOME', 'a b', ''];
    expect(splitCommand(joinCommand(words))).toEqual(words);
  });
});

describe('form and YAML', () => {
  const form = {name: 'train', spec: {project: 'vision', command: ['x', 'a b'], devices: {count: 2}}};
  test('say the same', () => expect(fromYaml(toYaml(form))).toEqual(form));
  test('what is no workload is told', () => {
    expect(fromYaml('a: [')).toMatch(/./);
    expect(fromYaml('just text')).toBe('A Workload has metadata and spec.');
    expect(fromYaml('')).toBe('A Workload has metadata and spec.');
  });
  test('a remedy changes a copy', () => {
    const asked = (name: string) => ({replicas: '2', preemptible: 'true'})[name] ?? '';
    expect(changed({replicas: 8, minimumReplicas: 4}, asked)).toEqual({replicas: 2, minimumReplicas: 2, preemptible: true});
    expect(changed({replicas: 8}, () => '')).toEqual({replicas: 8});
  });
});

describe('what a workload asks for', () => {
  test('sums over its roles', () => {
    expect(requestedDevices({roles: [{name: 'a', replicas: 2, devices: {count: 4}}, {name: 'b', devices: {fraction: 0.5}}]})).toBe(8.5);
    expect(requestedDevices({command: ['x']})).toBe(0);
    expect(requestedDevices({devices: {memory: '20Gi'}})).toBeNull();
  });
  test('in words', () => {
    expect(describeDevices(undefined)).toBe('none');
    expect(describeDevices({count: 2, model: 'H100-80GB'})).toBe('2 × H100-80GB');
    expect(describeDevices({fraction: 0.5})).toBe('0.5 of 1 device');
  });
});

describe('devices', () => {
  const device = {identity: 'x', node: 'n', slot: 1, model: 'H100', healthy: true, simulated: true, allocated: 1, workloads: ['a/b'], otherWorkloads: 1, utilisation: 0.01} as Device;
  test('idle means allocated, measured and hardly used', () => {
    expect(isIdle(device)).toBe(true);
    expect(isIdle({...device, utilisation: null})).toBe(false);
    expect(isIdle({...device, allocated: 0})).toBe(false);
  });
  test('use is unknown, not 0, where nothing measures it', () => {
    expect(summarise([{...device, utilisation: null}]).used).toBeNull();
    expect(summarise([device, {...device, healthy: false}])).toEqual({total: 2, ready: 1, allocated: 2, used: 0.02, idle: 2});
  });
  test('in words', () => expect(describeDevice(device)).toBe('H100, device 1 of n; 100 % allocated to a/b, 1 others; 1 % in use; simulated'));
});

describe('logs', () => {
  test('lines grow, colours go, and progress overwrites itself', () => {
    let lines = appendLines([], 'one\ntw');
    lines = appendLines(lines, 'o\n\u001b[31mred\u001b[0m\n10 %\r20 %\r');
    expect(lines).toEqual(['one', 'two', 'red', '20 %']);
  });
});

describe('queues', () => {
  const queue = (name: string, parent: string) => ({name, parent}) as QueueView;
  test('each parent is followed by what lies below it', () => {
    const rows = treeOf([queue('b', ''), queue('a', ''), queue('a2', 'a'), queue('a1', 'a'), queue('lost', 'unseen')]);
    expect(rows.map((row) => [row.queue.name, row.depth])).toEqual([['a', 0], ['a1', 1], ['a2', 1], ['b', 0], ['lost', 0]]);
  });
});

test('bands lie on one another, and what is not known adds nothing', () => {
  const line = {label: '', colour: ''};
  expect(stack([{...line, values: [1, null]}, {...line, values: [2, 3]}]).map((one) => one.values)).toEqual([[1, 0], [3, 3]]);
});
