import type {Workload, WorkloadView} from './api/client';
import {secondsBetween} from './format';

/** States in the order of a workload's life. */
export const states = ['pending', 'starting', 'running', 'stopping', 'back-off', 'suspended', 'succeeded', 'failed'] as const;
export type State = (typeof states)[number];
export const kinds = ['workspace', 'training', 'inference'] as const;

export const isOver = (state: string) => state === 'succeeded' || state === 'failed';
export const isWaiting = (state: string) => state === 'pending' || state === 'back-off';

type Spec = Workload['spec'];
type Devices = NonNullable<Spec['devices']>;

export interface RoleOfSpec {
  name: string;
  replicas: number;
  minimum: number;
  devices: Devices | undefined;
  command: string[];
  cpu: string;
  memory: string;
}

/** The roles of a workload; one without a list of them has one, from its own fields. */
export function rolesOf(spec: Spec): RoleOfSpec[] {
  const service = spec.service;
  const list = spec.roles !== undefined && spec.roles.length > 0 ? spec.roles : [spec];
  return list.map((role) => {
    const replicas = role.replicas ?? service?.maximumReplicas ?? 1;
    return {
      name: 'name' in role && role.name !== undefined ? role.name : 'worker',
      replicas,
      minimum: role.minimumReplicas ?? service?.minimumReplicas ?? replicas,
      devices: role.devices,
      command: [...(role.command ?? []), ...(role.arguments ?? [])],
      cpu: role.cpu === undefined ? '' : String(role.cpu),
      memory: role.memory === undefined ? '' : String(role.memory),
    };
  });
}

/** Devices that all replicas ask for together; null where they ask for memory, not for a share. */
export function requestedDevices(spec: Spec): number | null {
  let sum = 0;
  for (const role of rolesOf(spec)) {
    if (role.devices === undefined) continue;
    if (role.devices.memory !== undefined) return null;
    sum += role.replicas * (role.devices.count ?? 1) * (role.devices.fraction ?? 1);
  }
  return sum;
}

/** In words: "2 × H100-80GB", "0.5 device", "20Gi on 1 device". */
export function describeDevices(devices: Devices | undefined): string {
  if (devices === undefined || devices.count === 0) return 'none';
  const count = devices.count ?? 1;
  const what = devices.model ?? (devices.vendor !== undefined ? `${devices.vendor} device` : 'device');
  const many = count === 1 || devices.model !== undefined ? what : `${what}s`;
  if (devices.memory !== undefined) return `${devices.memory} on ${count} ${many}`;
  if (devices.fraction !== undefined) return `${devices.fraction} of ${count} ${many}`;
  return devices.model !== undefined ? `${count} × ${what}` : `${count} ${many}`;
}

/** Seconds that it has waited, up to its first start or until now. */
export function waited(workload: WorkloadView, now = Date.now()): number {
  const {submitted, firstStarted, ended} = workload.status;
  return secondsBetween(submitted, firstStarted ?? ended, now);
}

/** Seconds since its first start, to its end or until now; null before that. */
export function ran(workload: WorkloadView, now = Date.now()): number | null {
  const {firstStarted, ended} = workload.status;
  return firstStarted === undefined ? null : secondsBetween(firstStarted, ended, now);
}
