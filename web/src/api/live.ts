import type {QueryClient} from '@tanstack/react-query';
import {useSyncExternalStore} from 'react';
import {request, type Device, type HistoryEvent, type Node, type QueueView, type WorkloadView} from './client';
import {keys, type Point} from './queries';
import {parseEvents, type ServerEvent} from './sse';

export type Connection = 'connecting' | 'live' | 'broken';

const mostHistory = 500;
const mostPoints = 360;

/** Changes of one turn, by kind. */
interface Turn {
  workloads: Map<string, WorkloadView | null>;
  queues: Map<string, QueueView>;
  nodes: Map<string, Node | null>;
  devices: Map<string, Device | null>;
  history: HistoryEvent[];
}

const newTurn = (): Turn => ({workloads: new Map(), queues: new Map(), nodes: new Map(), devices: new Map(), history: []});

/** A list with changed items in their places, new ones at the end and those that are gone left out. */
export function merged<T>(list: T[], changes: Map<string, T | null>, nameOf: (item: T) => string): T[] {
  if (changes.size === 0) return list;
  const left = new Map(changes);
  const result: T[] = [];
  for (const item of list) {
    const name = nameOf(item);
    const change = left.get(name);
    if (change === undefined) {
      result.push(item);
      continue;
    }
    left.delete(name);
    if (change !== null) result.push(change);
  }
  for (const item of left.values()) if (item !== null) result.push(item);
  return result;
}

export const workloadKey = (workload: WorkloadView) => `${workload.spec.project}/${workload.metadata.name}`;

/**
 * Keeps the cached lists as the server has them, from one stream of changes. After a break it goes on where it was; where
 * the server cannot, the lists are read again.
 */
export class Live {
  private turn = newTurn();
  private position = '';
  private stopped = false;
  private abort = new AbortController();
  private connection: Connection = 'connecting';
  private listeners = new Set<() => void>();

  constructor(private readonly client: QueryClient) {}

  start() {
    void this.run();
  }
  stop() {
    this.stopped = true;
    this.abort.abort();
  }
  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  state = () => this.connection;

  private show(state: Connection) {
    if (state === this.connection) return;
    this.connection = state;
    for (const listener of this.listeners) listener();
  }

  private async run() {
    let failures = 0;
    while (!this.stopped) {
      try {
        const after = this.position === '' ? '' : `?after=${encodeURIComponent(this.position)}`;
        const response = await request(`/api/v1/changes${after}`, {
          headers: {Accept: 'text/event-stream'},
          signal: this.abort.signal,
        });
        const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
        failures = 0;
        let rest = '';
        for (;;) {
          const {done, value} = await reader.read();
          if (done) break;
          rest = parseEvents(rest + value, (event) => this.take(event));
        }
      } catch {
        failures += 1;
      }
      if (this.stopped) return;
      this.turn = newTurn();
      this.show('broken');
      await new Promise((resolve) => setTimeout(resolve, Math.min(1000 * 2 ** Math.min(failures, 4), 15_000)));
    }
  }

  private take(event: ServerEvent) {
    switch (event.event) {
      case 'workload': {
        const workload = JSON.parse(event.data) as WorkloadView;
        this.turn.workloads.set(workloadKey(workload), workload);
        return;
      }
      case 'queue': {
        const queue = JSON.parse(event.data) as QueueView;
        this.turn.queues.set(queue.name, queue);
        return;
      }
      case 'node': {
        const node = JSON.parse(event.data) as Node;
        this.turn.nodes.set(node.name, node);
        return;
      }
      case 'device': {
        const device = JSON.parse(event.data) as Device;
        this.turn.devices.set(device.identity, device);
        return;
      }
      case 'gone': {
        const {kind, name} = JSON.parse(event.data) as {kind: string; name: string};
        if (kind === 'workload') this.turn.workloads.set(name, null);
        if (kind === 'node') this.turn.nodes.set(name, null);
        if (kind === 'device') this.turn.devices.set(name, null);
        return;
      }
      case 'sample':
        this.sample(JSON.parse(event.data) as {fleet?: Point; queues: Record<string, Point>});
        return;
      case 'history':
        this.turn.history.push(JSON.parse(event.data) as HistoryEvent);
        return;
      case 'reset':
        if (this.position !== '') void this.client.invalidateQueries({queryKey: keys.live});
        if (event.id !== '') this.position = event.id;
        this.show('live');
        return;
      case 'resumed':
        this.position = event.id;
        this.show('live');
        return;
      case 'turn':
        this.position = event.id;
        this.apply();
        return;
    }
  }

  private apply() {
    const turn = this.turn;
    this.turn = newTurn();
    this.change<WorkloadView>(keys.workloads, turn.workloads, workloadKey);
    this.change<QueueView>(keys.queues, turn.queues, (queue) => queue.name);
    this.change<Node>(keys.nodes, turn.nodes, (node) => node.name);
    this.change<Device>(keys.devices, turn.devices, (device) => device.identity);
    if (turn.history.length === 0) return;
    this.client.setQueryData<HistoryEvent[]>(keys.history, (list) => {
      if (list === undefined) return undefined;
      const last = list.at(-1)?.position ?? 0;
      return [...list, ...turn.history.filter((event) => event.position > last)].slice(-mostHistory);
    });
    const subjects = new Set(turn.history.map((event) => event.subject));
    for (const subject of subjects) void this.client.invalidateQueries({queryKey: keys.about(subject)});
  }

  private sample({fleet, queues}: {fleet?: Point; queues: Record<string, Point>}) {
    const add = (key: readonly unknown[], point: Point | undefined) => {
      if (point === undefined) return;
      this.client.setQueryData<Point[]>(key, (list) => (list === undefined ? undefined : [...list, point].slice(-mostPoints)));
    };
    add(keys.fleetSeries, fleet);
    for (const [name, point] of Object.entries(queues)) add(keys.queueSeries(name), point);
    // Only of the one that is open, if any.
    void this.client.invalidateQueries({queryKey: keys.workloadSeries});
  }

  private change<T>(key: readonly unknown[], changes: Map<string, T | null>, nameOf: (item: T) => string) {
    if (changes.size === 0) return;
    // A list that is on its way may be older than this change.
    if (this.client.getQueryState(key)?.fetchStatus === 'fetching') {
      void this.client.invalidateQueries({queryKey: key});
      return;
    }
    this.client.setQueryData<T[]>(key, (list) => (list === undefined ? undefined : merged(list, changes, nameOf)));
  }
}

export function useConnection(live: Live): Connection {
  return useSyncExternalStore(live.subscribe, live.state);
}
